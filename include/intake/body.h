/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an upload on their way to Glance: each piece passes the filters in a fixed order,
 * and the first that objects decides. Nothing is changed, held back or copied. */
#ifndef INTAKE_BODY_H
#define INTAKE_BODY_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct body;

/* More bytes than `max_size` are refused as TOO_LARGE, more than `size_ceiling` (of a body whose
 * length was not said; see policy_decision) as LENGTH_REQUIRED. UINT64_MAX: no such limit. */
struct body_limits {
    uint64_t max_size;
    uint64_t size_ceiling;
};

/* NULL: no memory. Owned by the caller. */
struct body *body_new(const struct body_limits *limits);
void body_free(struct body *body); /* NULL is fine */

/* Judges the next piece. REFUSAL_NONE: it may go to Glance. Anything else: it must not, and
 * neither may any later one (the same refusal is given for them). */
enum refusal body_pass(struct body *body, const void *bytes, size_t count);

/* Bytes that passed. */
uint64_t body_count(const struct body *body);

/* The SHA-512 of what passed, ended by this call; false: OpenSSL failed. `sha512` has 64 bytes. */
bool body_sha512(struct body *body, unsigned char sha512[64]);

#endif
