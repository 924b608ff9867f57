/* SPDX-License-Identifier: Apache-2.0 */
/* Digests that were promised before the body: by the client in its head, or by the image. */
#ifndef INTAKE_PROMISES_H
#define INTAKE_PROMISES_H

#include <stdbool.h>
#include <stddef.h>

struct headers;

/* Three fields with four algorithms each, Content-MD5, and properties of the image. */
enum { PROMISES_MAX = 16, PROMISE_BYTES_MAX = 64 };

struct promise {
    const char *field;     /* "Repr-Digest", "owner_specified.openstack.sha256": a literal */
    const char *algorithm; /* as digest_new() takes it: "sha512", "sha256", "md5", "sha1" */
    size_t size;
    unsigned char value[PROMISE_BYTES_MAX];
};

struct promises {
    struct promise rows[PROMISES_MAX];
    size_t count;
};

/* Repr-Digest and Content-Digest (RFC 9530: a dictionary of RFC 8941 byte sequences), Digest (RFC
 * 3230: ALGORITHM=BASE64; people write hex, too), Content-MD5 (RFC 1864). An algorithm we do not
 * know is passed over, as the standards say; of a field's several digests by one algorithm the last
 * counts. Adds to `out`. NULL, or a clause that says what is wrong with a field (400 bad_request):
 * a digest of a known algorithm that is not one. */
const char *promises_read(const struct headers *headers, struct promises *out);

/* One in hex, as image properties have it; an empty text is no promise, and so is anything that is
 * not a digest of the algorithm (openstacksdk fills the property, people do as well). */
void promises_add_hex(struct promises *promises, const char *field, const char *algorithm,
                      const char *hex);

#endif
