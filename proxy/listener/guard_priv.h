/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of a guard: heads are judged in guard_head.c, all else in guard.c,
 * and guard_line.c has what their lines share. */
#ifndef LISTENER_GUARD_PRIV_H
#define LISTENER_GUARD_PRIV_H

#include "listener/guard.h"

enum guard_phase {
    GUARD_BEGIN, /* of a message; nothing of it has come */
    GUARD_METHOD,
    GUARD_TARGET, /* and the version, up to the end of the line */
    GUARD_LINE_END,
    GUARD_FIELD, /* the first byte of a line */
    GUARD_NAME,
    GUARD_VALUE,
    GUARD_FIELD_END,
    GUARD_HEAD_END,
    GUARD_BODY, /* with a length */
    GUARD_SIZE, /* of a chunk */
    GUARD_EXTENSION,
    GUARD_SIZE_END,
    GUARD_CHUNK,
    GUARD_CHUNK_CR,
    GUARD_CHUNK_END,
    GUARD_TRAILER, /* the first byte of a line */
    GUARD_TRAILER_NAME,
    GUARD_TRAILER_VALUE,
    GUARD_TRAILER_END,
    GUARD_TRAILERS_END,
    GUARD_PHASES
};

/* What becomes of one byte. */
enum guard_step { GUARD_KEEP, GUARD_DROP, GUARD_STOP };

/* A field whose value means something to the framing, or takes more room. */
enum guard_kind { GUARD_OTHER, GUARD_LENGTH, GUARD_CODING, GUARD_EXPECT, GUARD_COOKIE };

enum guard_step guard_head_step(struct guard *guard, unsigned char byte);

/* guard_line.c */
extern const char GUARD_BARE_LF[];
enum guard_step guard_refuse(struct guard *guard, const char *fault);
bool guard_blank(unsigned char byte);
unsigned char guard_lower(unsigned char byte);
bool guard_name_byte(unsigned char byte);
bool guard_value_byte(unsigned char byte);

/* The first byte of a line that is to be a field. */
enum guard_step guard_line_begin(struct guard *guard, unsigned char byte);

/* Why a byte ends a name, or is none of a value. */
const char *guard_name_fault(unsigned char byte);
const char *guard_value_fault(unsigned char byte);

#endif
