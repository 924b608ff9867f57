/* SPDX-License-Identifier: Apache-2.0 */
/* Checks each byte of a connection before libmicrohttpd gets it.
 *
 * libmicrohttpd accepts what other HTTP servers do not: folded lines, bare line feeds, NULs. Once
 * it has parsed a head, these can no longer be detected. So a guard parses the same bytes, message
 * by message: heads, bodies with a length, chunks and trailers. It stops before the first wrong
 * byte. That is also before the end of the head with this byte, so libmicrohttpd never acts on such
 * a head.
 *
 * A guard also drops what is not needed and libmicrohttpd parses wrongly: whitespace around the
 * values of the framing fields and of Expect, chunk extensions, and trailers. A guard knows no
 * socket. */
#ifndef LISTENER_GUARD_H
#define LISTENER_GUARD_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised: at the start of a connection. */
struct guard {
    uint64_t heads;  /* number of heads begun, including the current one */
    uint64_t left;   /* bytes still to come of a body with a length, or of a chunk */
    uint64_t passed; /* bytes of this message's body that have passed, without their framing */
    uint64_t number; /* Content-Length, or a chunk's size, as far as it was parsed */
    const char
        *fault; /* a clause that describes the fault; NULL: none; "": the refusal says it all */
    enum refusal refusal; /* the refusal that answers the fault */
    uint32_t bytes;       /* of this head, this chunk-size line or these trailers */
    uint32_t extra;       /* bytes of libmicrohttpd's pool that this head takes besides its own */
    uint32_t ahead;       /* bytes after the current one that were read with it */
    uint8_t phase;
    uint8_t names;   /* a bit for each known field name that may still match */
    uint8_t at;      /* position in the name, the coding, the number or the version */
    uint8_t kind;    /* of the field whose value is being read */
    uint8_t lengths; /* Content-Length fields of this head */
    uint8_t codings; /* Transfer-Encoding fields of this head */
    uint8_t head;    /* bytes of the method that match HEAD */
    bool target;     /* the request line has a target */
    bool after;      /* whitespace came after the number or the coding */
    bool bare;       /* guard_strip() was called */
    char version[8]; /* what follows the last space of the request line */
};

/* GUARD_HEAD_MAX: most bytes of one head, with what libmicrohttpd allocates for each field. It is a
 * little less than libmicrohttpd's pool, so that libmicrohttpd never has to refuse a head
 * itself. */
enum { GUARD_HEAD_MAX = 18 * 1024, GUARD_FIELD_ROOM = 64 };

/* Checks the next `count` bytes. Moves those that may pass to the start of `bytes` and returns
 * their number. After a fault it is 0. */
size_t guard_judge(struct guard *guard, char *bytes, size_t count);

/* From now on only the data of the current chunked body passes, without its framing, and nothing
 * after its end. */
void guard_strip(struct guard *guard);

/* Whether the last byte was data of a chunk that has more. */
bool guard_in_chunk(const struct guard *guard);

/* Whether the current message has ended, and no other has begun. */
bool guard_between_messages(const struct guard *guard);

/* The least number of bytes that the body of the current message still needs. 0: it is whole. */
uint64_t guard_due(const struct guard *guard);

/* Whether a part of a head has arrived but not all of it. True also after a fault in a head. */
bool guard_in_head(const struct guard *guard);

/* Whether the method of the current head, or else of the last one, is HEAD. */
bool guard_method_is_head(const struct guard *guard);

/* Stops it for a reason other than the bytes, such as a timeout. `fault` is borrowed; NULL means
 * "". */
void guard_stop(struct guard *guard, enum refusal refusal, const char *fault);

#endif
