/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
    EVP_MD_CTX *context;
    bool failed; /* the first failure counts: a digest over less than all bytes is none */
};

struct digest *digest_new(const char *algorithm)
{
    struct digest *digest = calloc(1, sizeof *digest);
    if (!digest)
        return NULL;
    EVP_MD *md = EVP_MD_fetch(NULL, algorithm, NULL);
    digest->context = EVP_MD_CTX_new();
    bool ready = md && digest->context && EVP_MD_get_size(md) <= DIGEST_MAX_BYTES &&
                 EVP_DigestInit_ex2(digest->context, md, NULL);
    EVP_MD_free(md); /* the context holds a reference of its own */
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
    *text = '\0'; /* EVP_EncodeBlock leaves the text alone when there is nothing to encode */
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)count);
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}
