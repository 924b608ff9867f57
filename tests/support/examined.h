/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of images and what an examination must find out about them. */
#ifndef SUPPORT_EXAMINED_H
#define SUPPORT_EXAMINED_H

#include "support/sparse_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct examined_row {
    const char *what;
    struct sparse_body body;
    const char *seen;   /* NULL: nothing that is known */
    uint64_t size;      /* the virtual one; 0: none is known */
    const char *broken; /* a part of the text; NULL: none */
    const char *unsafe;
};

static inline void examined_said(const char *what, const char *said, const char *wanted)
{
    if (wanted ? !strstr(said, wanted) : *said)
        fail_msg("%s: \"%s\" instead of \"%s\"", what, said, wanted ? wanted : "");
}

static inline void examined_once(const struct examined_row *row, const char *disk_format)
{
    struct format_examination examination;
    sparse_examine(&row->body, disk_format, &examination);
    const char *seen = examination.seen ? examination.seen : "";
    if (strcmp(seen, row->seen ? row->seen : "") != 0)
        fail_msg("%s: seen as \"%s\"", row->what, seen);
    examined_said(row->what, examination.broken, row->broken);
    examined_said(row->what, examination.unsafe, row->unsafe);
    if (row->broken)
        return;
    if (examination.virtual_size_known != (row->size != 0) || examination.virtual_size != row->size)
        fail_msg("%s: a virtual size of %llu", row->what,
                 (unsigned long long)examination.virtual_size);
}

/* Whether its length is known beforehand must not matter. */
static inline void examined_check(const struct examined_row *row, const char *disk_format)
{
    sparse_length_is_known = true;
    examined_once(row, disk_format);
    sparse_length_is_known = false;
    examined_once(row, disk_format);
}

/* The text about a missing end. Its length may be known beforehand, or not. */
static inline void examined_end(const char *what, const struct sparse_body *body,
                                const char *disk_format, const char *truncated)
{
    struct format_examination examination;
    for (int known = 0; known < 2; known++) {
        sparse_length_is_known = known;
        sparse_examine(body, disk_format, &examination);
        examined_said(what, examination.truncated, truncated);
    }
}

/* Cut anywhere between its magic and the end of its header, it is broken and reads no further. */
static inline void examined_cut(const struct examined_row *row, size_t magic, size_t header)
{
    struct sparse_body body = row->body;
    for (body.size = magic; body.size < header; body.size++) {
        struct format_examination examination;
        sparse_examine(&body, "raw", &examination);
        if (!examination.seen || !*examination.broken)
            fail_msg("%s, %u bytes of it: not seen to be broken", row->what, (unsigned)body.size);
    }
}

#endif
