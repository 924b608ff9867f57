/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files of the guard: guard_head.c checks heads, guard.c all other
 * bytes, and guard_line.c has what their lines share. */
#ifndef LISTENER_GUARD_PRIV_H
#define LISTENER_GUARD_PRIV_H

#include "listener/guard.h"

enum guard_phase {
    GUARD_BEGIN, /* before the first byte of a message */
    GUARD_METHOD,
    GUARD_TARGET, /* and the version, to the end of the line */
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

/* Pass the byte on, drop it, or stop at it. */
enum guard_step { GUARD_KEEP, GUARD_DROP, GUARD_STOP };

/* A field whose value matters for the framing, or takes more space in the pool. */
enum guard_kind { GUARD_OTHER, GUARD_LENGTH, GUARD_CODING, GUARD_EXPECT, GUARD_COOKIE };

enum guard_step guard_head_step(struct guard *guard, unsigned char byte);

/* guard_line.c */
extern const char GUARD_BARE_LF[];
enum guard_step guard_refuse(struct guard *guard, const char *fault);
bool guard_blank(unsigned char byte);
unsigned char guard_lower(unsigned char byte);
bool guard_name_byte(unsigned char byte);
bool guard_value_byte(unsigned char byte);

/* Checks the first byte of a field line. */
enum guard_step guard_line_begin(struct guard *guard, unsigned char byte);

/* Describe why a byte is not allowed in a field name, or in a field value. */
const char *guard_name_fault(unsigned char byte);
const char *guard_value_fault(unsigned char byte);

#endif
