/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256, by OpenSSL. */
#include "keystone/keyed_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

bool hash_key_make(struct hash_key *key)
{
    return RAND_bytes(key->bytes, sizeof key->bytes) == 1;
}

/* The NUL at the end of each text is hashed, too. */
static bool update(EVP_MAC_CTX *context, const char *const *texts, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = EVP_MAC_update(context, (const unsigned char *)texts[i], strlen(texts[i]) + 1) == 1;
    return good;
}

bool keyed_hash(const struct hash_key *key, const char *const *texts, size_t count,
                struct keyed_hash *out)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string("digest", digest, sizeof digest - 1),
                                 OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    size_t size = 0;
    bool good = context && EVP_MAC_init(context, key->bytes, sizeof key->bytes, params) == 1 &&
                update(context, texts, count) &&
                EVP_MAC_final(context, out->bytes, &size, sizeof out->bytes) == 1;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return good && size == sizeof out->bytes;
}

bool keyed_hash_equal(const struct keyed_hash *a, const struct keyed_hash *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
