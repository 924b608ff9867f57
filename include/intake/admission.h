/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of an upload from its head alone, before anybody is asked: what speaks against
 * it, what will be changed, how large it is. A pure function: the running proxy and `glance-intake
 * explain` call the same one. */
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
    /* In the order in which they are told: the first is what an upload is refused for. */
    struct admission_violation violations[ADMISSION_VIOLATIONS_MAX];
    size_t count;
    unsigned fixes; /* enum record_fix, as far as the head tells: content-type, multipart, length */

    bool empty; /* it has no data: an objection (empty_body) unless the image, or the policy,
                 * lets an upload be empty */
    bool declared_form; /* Content-Type: multipart/form-data, which will be unwrapped */
    bool promised;      /* x-openstack-image-size */
    uint64_t promise;
    bool size_known; /* the image's own, without an envelope */
    uint64_t size;
    bool size_comes; /* not known yet, but before a byte goes to Glance */
};

/* Looks at Content-Range, Content-Encoding, Content-Type, the length and x-openstack-image-size, by
 * [upload]'s settings. Nothing in it is borrowed. */
void admission_judge(const struct settings *settings, const struct headers *headers,
                     const struct framing_facts *framing, struct admission *out);

#endif
