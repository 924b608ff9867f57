/* SPDX-License-Identifier: Apache-2.0 */
/* Digests that were announced before the body: by the client in its head, or in the image's
 * properties. */
#ifndef INTAKE_PROMISES_H
#define INTAKE_PROMISES_H

#include <stdbool.h>
#include <stddef.h>

struct headers;

/* Three fields with four algorithms each, Content-MD5, and properties of the image. */
enum { PROMISES_MAX = 16, PROMISE_BYTES_MAX = 64 };

struct promise {
    const char *field;     /* "Repr-Digest", "owner_specified.openstack.sha256"; borrowed literal */
    const char *algorithm; /* as digest_new() takes it: "sha512", "sha256", "md5", "sha1" */
    size_t size;           /* of `value`, in bytes */
    unsigned char value[PROMISE_BYTES_MAX];
};

struct promises {
    struct promise rows[PROMISES_MAX];
    size_t count;
};

/* Reads Repr-Digest and Content-Digest (RFC 9530: a dictionary of RFC 8941 byte sequences), Digest
 * (RFC 3230: ALGORITHM=BASE64; hex is in use, too), and Content-MD5 (RFC 1864), and adds them to
 * `out`. Unknown algorithms are ignored, as the standards say. If a field has several digests of
 * one algorithm, the last one counts. NULL, or what is wrong with a field, as a clause (400
 * bad_request): the value for a known algorithm is not a digest of it. */
const char *promises_read(const struct headers *headers, struct promises *out);

/* Adds a digest in hex, as image properties have it. An empty text, or one that is not a digest of
 * the algorithm, is ignored: openstacksdk sets these properties, but people also do by hand. */
void promises_add_hex(struct promises *promises, const char *field, const char *algorithm,
                      const char *hex);

#endif
