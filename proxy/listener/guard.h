/* SPDX-License-Identifier: Apache-2.0 */
/* Judges each byte of a connection before libmicrohttpd gets it.
 *
 * libmicrohttpd forgives what its neighbours do not: folded lines, bare line feeds, NULs. Once it
 * has parsed a head, nobody can tell. So a guard follows the same bytes, message by message: heads,
 * bodies with a length, chunks and trailers. It stops before the first byte that is wrong, and thus
 * before the end of the head that the byte is in: libmicrohttpd never acts on such a head.
 *
 * It also leaves out what nobody needs and libmicrohttpd gets wrong: blanks around the values of
 * the framing fields and of Expect, chunk extensions, and trailers. A guard knows no socket. */
#ifndef LISTENER_GUARD_H
#define LISTENER_GUARD_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is the begin of a connection. */
struct guard {
    uint64_t heads;       /* begun so far, this one included */
    uint64_t left;        /* bytes to come of a body with a length, or of a chunk */
    uint64_t number;      /* Content-Length, or a chunk's size, as far as it is read */
    const char *fault;    /* a plain clause about the byte that stopped it; NULL: none */
    enum refusal refusal; /* what such a fault is refused with */
    uint32_t bytes;       /* of this head, this chunk-size line or these trailers */
    uint32_t extra;       /* room that libmicrohttpd takes for this head besides its bytes */
    uint32_t ahead;       /* bytes behind this one that were read with it */
    uint8_t phase;
    uint8_t names;   /* a bit for each known field name that the name may still be */
    uint8_t at;      /* bytes of the name, the coding, the number or the version */
    uint8_t kind;    /* of the field whose value is being read */
    uint8_t lengths; /* Content-Length fields of this head */
    uint8_t codings; /* Transfer-Encoding fields of this head */
    uint8_t head;    /* bytes of the method that agree with HEAD */
    bool target;     /* the request line has a target */
    bool after;      /* a blank came after the number or the coding */
    char version[8]; /* what follows the last blank of the request line */
};

/* The room for one head: its bytes, and what libmicrohttpd notes for each field. A bit less than
 * libmicrohttpd's pool, so that it never has to refuse a head itself. */
enum { GUARD_HEAD_MAX = 18 * 1024, GUARD_FIELD_ROOM = 64 };

/* Judges the next `count` bytes. Those that may go on are moved together at the begin of `bytes`;
 * returns how many these are. After a fault there are none any more. */
size_t guard_judge(struct guard *guard, char *bytes, size_t count);

/* Some of a head has come, and not all of it: also where it stopped at a fault. */
bool guard_in_head(const struct guard *guard);

/* The request whose head is being read, or was read last, has the method HEAD. */
bool guard_method_is_head(const struct guard *guard);

/* Stops it for a reason that is not in the bytes. */
void guard_stop(struct guard *guard, enum refusal refusal, const char *fault);

#endif
