/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the filter that inspects the image: inspect.c holds and examines the bytes, and
 * inspect_checks.c checks them. */
#ifndef BODY_INSPECT_PRIV_H
#define BODY_INSPECT_PRIV_H

#include "body/body_priv.h"
#include "body/line_ends.h"
#include "intake/format.h"

/* Each read needs a buffer of FILTER_ROOM_MIN, so the buffered opening may become a little longer
 * than the part that is checked. */
enum { OPENING_ROOM = FORMAT_OPENING + FILTER_ROOM_MIN };

struct inspect {
    struct filter filter;

    char *opening; /* kept until it is read and the format asks for no further look */
    size_t count;  /* bytes in `opening` */
    size_t given;  /* bytes of `opening` that were read */
    bool ended;    /* the body ended within the opening */

    struct format_examination examination;
    char *look; /* FORMAT_LOOK_MAX bytes; NULL until the format asks for a look */
    size_t look_count;
    uint64_t offset; /* of the next byte */
    bool end_seen;
    bool examined; /* format_examine() was called */
    bool glance_checked;

    bool counts_line_ends; /* of all bytes, from the opening on */
    struct line_ends line_ends;
};

/* Bytes of the opening that are checked. */
size_t inspect_checked_count(const struct inspect *inspect);

/* The bytes themselves: nothing, a text, or stripped bytes. False: refused. */
bool inspect_check_damage(struct inspect *inspect);

/* At the end of the body, if its line ends were counted. False: refused. */
bool inspect_check_line_ends(struct inspect *inspect);

/* By what the examination has found so far; again after each further look. False: refused. */
bool inspect_check(struct inspect *inspect);

#endif
