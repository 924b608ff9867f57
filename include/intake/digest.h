/* SPDX-License-Identifier: Apache-2.0 */
/* Running digests over the bytes of an upload. Only the files behind this header know OpenSSL's
 * EVP. */
#ifndef INTAKE_DIGEST_H
#define INTAKE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct digest;

enum { DIGEST_MAX_BYTES = 64 };

/* `algorithm` as OpenSSL names it ("sha512"), or as Python's hashlib does, whose names Glance uses
 * ("sha3_512"). NULL: unknown, or no memory. Owned by the caller. */
struct digest *digest_new(const char *algorithm);

void digest_update(struct digest *digest, const void *bytes, size_t count);

/* Ends the computation; returns how many bytes of `out` were set (0: OpenSSL failed). Call once. */
size_t digest_finish(struct digest *digest, unsigned char out[DIGEST_MAX_BYTES]);

/* `text` must hold 2 * count + 1 (hex) or 4 * ((count + 2) / 3) + 1 (base64) characters. */
void digest_hex(const unsigned char *bytes, size_t count, char *text);
void digest_base64(const unsigned char *bytes, size_t count, char *text);

/* The digest that `length` characters stand for, and its size in bytes; 0: they are not of that
 * form, or no digest is so short or so long. Hex in either case; base64 (RFC 4648) with its padding
 * or without (RFC 8941 has readers take both). */
size_t digest_from_hex(const char *text, size_t length, unsigned char out[DIGEST_MAX_BYTES]);
size_t digest_from_base64(const char *text, size_t length, unsigned char out[DIGEST_MAX_BYTES]);

void digest_free(struct digest *digest);

/* --- several at once, over the same bytes ------------------------------------------------ */

struct digests;

enum { DIGESTS_MAX = 6 };

/* NULL: no memory. Owned by the caller. */
struct digests *digests_new(void);

/* Before the first byte; wanting one twice is fine. False: it is unknown, there are DIGESTS_MAX
 * others, bytes have passed already, or no memory. */
bool digests_want(struct digests *digests, const char *algorithm);

bool digests_none(const struct digests *digests); /* nobody wants any */

/* The `place`th, to be updated by itself, such as in another thread; borrowed. NULL: there are no
 * more. No other can be wanted from here on. */
struct digest *digests_at(struct digests *digests, size_t place);

/* Not after digests_get(). */
void digests_update(struct digests *digests, const void *bytes, size_t count);

/* The first call for an algorithm ends its computation, later ones give the same again. False: it
 * was not wanted, or OpenSSL failed. */
bool digests_get(struct digests *digests, const char *algorithm,
                 unsigned char out[DIGEST_MAX_BYTES], size_t *size);

void digests_free(struct digests *digests); /* NULL is fine */

#endif
