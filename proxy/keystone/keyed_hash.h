/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 with a random key of this process: names a secret, and does not tell it. */
#ifndef KEYSTONE_KEYED_HASH_H
#define KEYSTONE_KEYED_HASH_H

#include <stdbool.h>
#include <stddef.h>

enum { KEYED_HASH_SIZE = 32 };

struct hash_key {
    unsigned char bytes[KEYED_HASH_SIZE];
};

struct keyed_hash {
    unsigned char bytes[KEYED_HASH_SIZE];
};

/* False: there are no random numbers. */
bool hash_key_make(struct hash_key *key);

/* The hash of the texts in their order, which is one of NULs between them: so no text can stand for
 * two. False: no memory. */
bool keyed_hash(const struct hash_key *key, const char *const *texts, size_t count,
                struct keyed_hash *out);

bool keyed_hash_equal(const struct keyed_hash *a, const struct keyed_hash *b);

#endif
