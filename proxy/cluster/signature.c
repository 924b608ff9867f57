/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 (RFC 2104) of questions and answers among peers. What is signed begins with a word,
 * so that no question can be taken for an answer. */
#include "cluster/signature.h"

#include "intake/buffer.h"
#include "intake/digest.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum { MAC_SIZE = 32, NONCE_SIZE = 16, HEX_MAX = 2 * MAC_SIZE + 1, HEAD_MAX = 512 };

static bool mac_of(const char *key, const char *head, const void *body, size_t size,
                   char out[HEX_MAX])
{
    unsigned char mac[MAC_SIZE];
    size_t length = 0;
    struct buffer text;
    buffer_init(&text, HEAD_MAX + size);
    bool good = buffer_print(&text, "%s", head) && (!size || buffer_append(&text, body, size)) &&
                EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, strlen(key),
                          (const unsigned char *)text.data, text.len, mac, sizeof mac, &length) &&
                length == sizeof mac;
    buffer_free(&text);
    if (good)
        digest_hex(mac, sizeof mac, out);
    return good;
}

static bool same(const char *expected, const char *given)
{
    return strlen(given) == strlen(expected) &&
           CRYPTO_memcmp(expected, given, strlen(expected)) == 0;
}

/* --- questions ---------------------------------------------------------------------------- */

/* False: too long. `nonce` is in hexadecimal. */
static bool question_text(const char *path, uint64_t time_s, const char *nonce, char out[HEAD_MAX])
{
    int length =
        snprintf(out, HEAD_MAX, "question\nGET\n%s\n%" PRIu64 "\n%s\n", path, time_s, nonce);
    return length > 0 && length < HEAD_MAX;
}

bool signature_of_question(const char *key, const char *path, uint64_t now_s,
                           char out[PEER_SIGNATURE_MAX])
{
    unsigned char random[NONCE_SIZE];
    char nonce[2 * NONCE_SIZE + 1], text[HEAD_MAX], mac[HEX_MAX];
    if (RAND_bytes(random, sizeof random) != 1)
        return false;
    digest_hex(random, sizeof random, nonce);
    if (!question_text(path, now_s, nonce, text) || !mac_of(key, text, NULL, 0, mac))
        return false;
    snprintf(out, PEER_SIGNATURE_MAX, "%" PRIu64 " %s %s", now_s, nonce, mac);
    return true;
}

struct question {
    uint64_t time_s;
    char nonce[2 * NONCE_SIZE + 1], mac[HEX_MAX];
};

static bool question_parse(const char *field, struct question *out)
{
    int end = 0;
    return field &&
           sscanf(field, "%12" SCNu64 " %32[0-9a-f] %64[0-9a-f]%n", &out->time_s, out->nonce,
                  out->mac, &end) == 3 &&
           field[end] == '\0' && strlen(out->nonce) == sizeof out->nonce - 1;
}

bool signature_fits_question(const char *key, const char *path, uint64_t now_s, const char *field)
{
    struct question question;
    char text[HEAD_MAX], mac[HEX_MAX];
    if (!question_parse(field, &question))
        return false;
    uint64_t apart = now_s > question.time_s ? now_s - question.time_s : question.time_s - now_s;
    return apart <= PEER_CLOCKS_S && question_text(path, question.time_s, question.nonce, text) &&
           mac_of(key, text, NULL, 0, mac) && same(mac, question.mac);
}

/* --- answers ------------------------------------------------------------------------------ */

bool signature_of_answer(const char *key, const char *question, const void *body, size_t size,
                         char out[PEER_SIGNATURE_MAX])
{
    struct question parsed;
    char head[HEAD_MAX];
    if (!question_parse(question, &parsed))
        return false;
    snprintf(head, sizeof head, "answer\n%s\n", parsed.nonce);
    return mac_of(key, head, body, size, out);
}

bool signature_fits_answer(const char *key, const char *question, const void *body, size_t size,
                           const char *field)
{
    char expected[PEER_SIGNATURE_MAX];
    return field && signature_of_answer(key, question, body, size, expected) &&
           same(expected, field);
}
