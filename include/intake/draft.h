/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the requests of "Resumable Uploads for HTTP" (draft-ietf-httpbis-resumable-upload), interop
 * version 8. Its fields are structured (RFC 9651): one with another value is as if it were not
 * there. */
#ifndef INTAKE_DRAFT_H
#define INTAKE_DRAFT_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stdint.h>

struct framing_facts;
struct headers;

#define DRAFT_VERSION_FIELD "Upload-Draft-Interop-Version"
#define DRAFT_VERSION       "8"
#define DRAFT_PROBLEM_OFFSET                                                                       \
    "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
#define DRAFT_PROBLEM_LENGTH                                                                       \
    "https://iana.org/assignments/http-problem-types#inconsistent-upload-length"

/* Whether the client speaks this version. */
bool draft_spoken(const struct headers *headers);

/* Upload-Complete, of any version. */
enum draft_completeness {
    DRAFT_UNSAID,
    DRAFT_INCOMPLETE, /* ?0: more requests bring the rest */
    DRAFT_COMPLETE    /* ?1: this request brings all of the rest */
};
enum draft_completeness draft_completeness(const struct headers *headers);

/* A part of the data: `count` bytes that begin at `offset`. */
struct draft_part {
    uint64_t offset, count;
    bool length_known;
    uint64_t length; /* of the whole upload */
};

/* Read a PATCH, and a creation (PUT or POST) with Upload-Complete: `length` is that of the whole
 * upload. Both return REFUSAL_NONE and set their results, or the reason for a refusal; `*detail` is
 * then a clause. REFUSAL_SIZE_MISMATCH: two lengths of the request differ. */
enum refusal draft_read_part(const struct headers *headers, const struct framing_facts *framing,
                             struct draft_part *out, const char **detail);
enum refusal draft_read_creation(const struct headers *headers, const struct framing_facts *framing,
                                 uint64_t *length, const char **detail);

#endif
