/* SPDX-License-Identifier: Apache-2.0 */
/* Computes digests over the bytes of an upload, incrementally. Only the files that implement this
 * header use OpenSSL's EVP. */
#ifndef INTAKE_DIGEST_H
#define INTAKE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct digest;

enum { DIGEST_MAX_BYTES = 64 };

/* `algorithm` is a name of OpenSSL ("sha512") or of Python's hashlib ("sha3_512"), whose names
 * Glance uses. NULL: unknown algorithm, or no memory. Owned by the caller. */
struct digest *digest_new(const char *algorithm);

void digest_update(struct digest *digest, const void *bytes, size_t count);

/* Ends the computation. Returns the number of bytes in `out`; 0: OpenSSL failed. Call it once. */
size_t digest_finish(struct digest *digest, unsigned char out[DIGEST_MAX_BYTES]);

/* `text` must hold 2 * count + 1 (hex) or 4 * ((count + 2) / 3) + 1 (base64) characters. */
void digest_hex(const unsigned char *bytes, size_t count, char *text);
void digest_base64(const unsigned char *bytes, size_t count, char *text);

/* Decodes `length` characters to a digest. Returns its size in bytes; 0: the text is not of that
 * form, is empty, or is longer than any digest. Hex may have either case. Base64 (RFC 4648) may
 * have its padding or not, because RFC 8941 lets parsers accept both. */
size_t digest_from_hex(const char *text, size_t length, unsigned char out[DIGEST_MAX_BYTES]);
size_t digest_from_base64(const char *text, size_t length, unsigned char out[DIGEST_MAX_BYTES]);

void digest_free(struct digest *digest);

/* --- several digests over the same bytes ------------------------------------------------- */

struct digests;

enum { DIGESTS_MAX = 6 };

/* NULL: no memory. Owned by the caller. */
struct digests *digests_new(void);

/* Adds an algorithm; adding it twice is fine. Call it before the first byte. False: the algorithm
 * is unknown, there are DIGESTS_MAX others, hashing has begun, or no memory. */
bool digests_want(struct digests *digests, const char *algorithm);

bool digests_none(const struct digests *digests); /* no algorithm was added */

/* The digest at index `place`, for a caller that updates each one separately, such as in another
 * thread. Borrowed. NULL: there are no more. No algorithm can be added after this call. */
struct digest *digests_at(struct digests *digests, size_t place);

/* Updates all digests. Must not follow digests_get(). */
void digests_update(struct digests *digests, const void *bytes, size_t count);

/* The first call for an algorithm ends its computation; later calls return the same value. False:
 * the algorithm was not added, or OpenSSL failed. */
bool digests_get(struct digests *digests, const char *algorithm,
                 unsigned char out[DIGEST_MAX_BYTES], size_t *size);

void digests_free(struct digests *digests); /* NULL is fine */

#endif
