/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the requests of tus 1.0.0 (https://tus.io/protocols/resumable-upload): the core protocol,
 * with the extensions creation, creation-with-upload, termination and expiration. */
#ifndef INTAKE_TUS_H
#define INTAKE_TUS_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stdint.h>

struct framing_facts;
struct headers;

#define TUS_VERSION    "1.0.0"
#define TUS_EXTENSIONS "creation,creation-with-upload,termination,expiration"

/* Whether the client speaks tus, in any version. */
bool tus_spoken(const struct headers *headers);

/* The method of a request: X-HTTP-Method-Override counts only on a POST of a tus client. Borrowed.
 */
const char *tus_method(const char *method, const struct headers *headers);

/* REFUSAL_NONE, or why the version is refused. */
enum refusal tus_check_version(const struct headers *headers);

/* A part of the data: `count` bytes that begin at `offset`. */
struct tus_part {
    uint64_t offset, count;
};

/* Read a PATCH, and a creation (POST): `length` is that of the whole upload, and the POST may have
 * its first bytes. Both return REFUSAL_NONE and set their results, or the reason for a refusal;
 * `*detail` is then a clause. */
enum refusal tus_read_part(const struct headers *headers, const struct framing_facts *framing,
                           struct tus_part *out, const char **detail);
enum refusal tus_read_creation(const struct headers *headers, const struct framing_facts *framing,
                               uint64_t *length, const char **detail);

#endif
