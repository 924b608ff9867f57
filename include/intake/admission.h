/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the head of an upload without asking Glance: its violations, what will be fixed, its size.
 * A pure function. The running proxy and `glance-intake explain` call the same one. */
#ifndef INTAKE_ADMISSION_H
#define INTAKE_ADMISSION_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct framing_facts;
struct headers;
struct settings;

enum { ADMISSION_VIOLATIONS_MAX = 8, ADMISSION_WORDS = 192 };

struct admission_violation {
    enum refusal reason;
    char detail[ADMISSION_WORDS]; /* a clause, or "" */
};

struct admission {
    /* In order: an upload is refused for the first one. */
    struct admission_violation violations[ADMISSION_VIOLATIONS_MAX];
    size_t count;
    unsigned fixes; /* enum record_fix, as the head decides: content-type, multipart, length */

    bool empty;         /* there is no data: a violation (empty_body) unless the image or the policy
                         * allows empty uploads */
    bool declared_form; /* Content-Type: multipart/form-data, which will be unwrapped */
    bool promised;      /* x-openstack-image-size was sent */
    uint64_t promise;   /* its value in bytes */
    bool size_known;    /* `size` is the size of the image in bytes, without a form around it */
    uint64_t size;
    bool size_comes; /* the head of the form around the image tells it */
    bool no_length;  /* there is neither a length nor x-openstack-image-size. The store decides what
                      * happens then: policy_unknown_length() */
};

/* Checks Content-Range, Content-Encoding, Content-Type, the length and x-openstack-image-size, as
 * the settings of [upload] say. `out` borrows nothing. */
void admission_judge(const struct settings *settings, const struct headers *headers,
                     const struct framing_facts *framing, struct admission *out);

#endif
