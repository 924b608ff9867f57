/* SPDX-License-Identifier: Apache-2.0 */
/* One digest by OpenSSL, and its text in hexadecimal and base64. */
#include "intake/digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct digest {
    EVP_MD_CTX *context;
    bool failed; /* set by the first error: a digest that misses bytes is wrong */
};

/* NULL: OpenSSL does not know the name. hashlib writes '_' where OpenSSL writes '-', and omits the
 * digest size from BLAKE2's names. */
static EVP_MD *algorithm_fetch(const char *algorithm)
{
    enum { NAME_MAX_LENGTH = 31 };
    char name[NAME_MAX_LENGTH + 1] = "";
    if (strcmp(algorithm, "blake2b") == 0)
        algorithm = "blake2b512";
    if (strcmp(algorithm, "blake2s") == 0)
        algorithm = "blake2s256";
    for (size_t i = 0; algorithm[i]; i++) {
        if (i == NAME_MAX_LENGTH)
            return NULL;
        name[i] = algorithm[i];
        if (name[i] == '_')
            name[i] = '-';
    }
    /* An unknown name must not leave an error in OpenSSL's queue: libcurl reads that queue. */
    ERR_set_mark();
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
    ERR_pop_to_mark();
    return md;
}

struct digest *digest_new(const char *algorithm)
{
    struct digest *digest = calloc(1, sizeof *digest);
    if (!digest)
        return NULL;
    EVP_MD *md = algorithm_fetch(algorithm);
    digest->context = EVP_MD_CTX_new();
    bool ready = md && digest->context && EVP_MD_get_size(md) <= DIGEST_MAX_BYTES &&
                 EVP_DigestInit_ex2(digest->context, md, NULL);
    EVP_MD_free(md); /* the context has its own reference */
    if (ready)
        return digest;
    digest_free(digest);
    return NULL;
}

void digest_update(struct digest *digest, const void *bytes, size_t count)
{
    if (!EVP_DigestUpdate(digest->context, bytes, count))
        digest->failed = true;
}

size_t digest_finish(struct digest *digest, unsigned char out[DIGEST_MAX_BYTES])
{
    unsigned length = 0;
    if (digest->failed || !EVP_DigestFinal_ex(digest->context, out, &length))
        return 0;
    return length;
}

void digest_hex(const unsigned char *bytes, size_t count, char *text)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *text++ = DIGITS[bytes[i] >> 4];
        *text++ = DIGITS[bytes[i] & 0x0F];
    }
    *text = '\0';
}

void digest_base64(const unsigned char *bytes, size_t count, char *text)
{
    *text = '\0'; /* EVP_EncodeBlock writes nothing for empty input */
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)count);
}

size_t digest_from_hex(const char *text, size_t length, unsigned char out[DIGEST_MAX_BYTES])
{
    char digits[2 * DIGEST_MAX_BYTES + 1];
    size_t size = 0;
    if (length >= sizeof digits || length % 2 != 0)
        return 0;
    memcpy(digits, text, length);
    digits[length] = '\0';
    /* OpenSSL would also reject other characters, but would leave an error in its queue. */
    if (strspn(digits, "0123456789abcdefABCDEF") != length ||
        !OPENSSL_hexstr2buf_ex(out, DIGEST_MAX_BYTES, &size, digits, '\0'))
        return 0;
    return size;
}

/* Counts the characters before the padding. False: the text is not base64. */
static bool base64_data(const char *text, size_t length, size_t *data)
{
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t count = 0;
    while (count < length && text[count] && strchr(ALPHABET, text[count]))
        count++;
    *data = count;
    size_t padding = length - count;
    for (size_t i = count; i < length; i++)
        if (text[i] != '=')
            return false;
    return count % 4 != 1 && (padding == 0 || (padding < 3 && length % 4 == 0));
}

size_t digest_from_base64(const char *text, size_t length, unsigned char out[DIGEST_MAX_BYTES])
{
    enum { GROUPS = (DIGEST_MAX_BYTES + 2) / 3 };
    unsigned char characters[4 * GROUPS];
    unsigned char bytes[3 * GROUPS];
    size_t data;
    if (length > sizeof characters || !base64_data(text, length, &data))
        return 0;
    size_t size = data * 3 / 4;
    if (size > DIGEST_MAX_BYTES)
        return 0;
    /* EVP_DecodeBlock needs whole groups of four, and counts padding as bytes. */
    memset(characters, '=', sizeof characters);
    memcpy(characters, text, data);
    if (EVP_DecodeBlock(bytes, characters, (int)((data + 3) / 4 * 4)) < (int)size)
        return 0;
    memcpy(out, bytes, size);
    return size;
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}
