/* SPDX-License-Identifier: Apache-2.0 */
/* A running digest over the bytes of an upload. Only this module knows OpenSSL's EVP. */
#ifndef INTAKE_DIGEST_H
#define INTAKE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct digest;

enum { DIGEST_MAX_BYTES = 64 };

/* `algorithm` as OpenSSL names it ("sha512"). NULL: unknown, or no memory. Owned by the caller. */
struct digest *digest_new(const char *algorithm);

void digest_update(struct digest *digest, const void *bytes, size_t count);

/* Ends the computation; returns how many bytes of `out` were set (0: OpenSSL failed). Call once. */
size_t digest_finish(struct digest *digest, unsigned char out[DIGEST_MAX_BYTES]);

/* `text` must hold 2 * count + 1 (hex) or 4 * ((count + 2) / 3) + 1 (base64) characters. */
void digest_hex(const unsigned char *bytes, size_t count, char *text);
void digest_base64(const unsigned char *bytes, size_t count, char *text);

void digest_free(struct digest *digest);

#endif
