/* SPDX-License-Identifier: Apache-2.0 */
/* Checks all bytes of a connection: heads in guard_head.c, bodies here, by their framing (RFC 9112
 * 6 and 7). */
#include "listener/guard.h"

#include "listener/guard_priv.h"

#include <string.h>
#include <sys/param.h>

/* Longest chunk-size line with its extensions, and the most digits in it. */
enum { LINE_MAX_BYTES = 4096, DIGITS_MAX = 32 };

static const char NOT_CHUNKED[] =
    "the chunked body has a size that is not hexadecimal, or too large";
static const char CHUNK_LINE[] = "a line of the chunked body does not end with CR LF, or has a "
                                 "control character";

bool guard_in_head(const struct guard *guard)
{
    return guard->phase > GUARD_BEGIN && guard->phase <= GUARD_HEAD_END;
}

bool guard_in_chunk(const struct guard *guard)
{
    return guard->phase == GUARD_CHUNK;
}

bool guard_between_messages(const struct guard *guard)
{
    return guard->phase == GUARD_BEGIN;
}

/* A chunked body needs at least one byte more than its current chunk. */
uint64_t guard_due(const struct guard *guard)
{
    if (guard->phase < GUARD_BODY)
        return 0;
    return guard->left + (guard->phase != GUARD_BODY);
}

void guard_strip(struct guard *guard)
{
    guard->bare = true;
}

bool guard_method_is_head(const struct guard *guard)
{
    return guard->head == 4;
}

/* --- chunks ---------------------------------------------------------------------------- */

static int hexadecimal(unsigned char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static enum guard_step size_digit(struct guard *guard, int digit)
{
    if (digit < 0 || guard->after || guard->at == DIGITS_MAX || guard->number >> 59)
        return guard_refuse(guard, NOT_CHUNKED);
    guard->number = guard->number << 4 | (uint64_t)digit;
    guard->at++;
    return GUARD_KEEP;
}

/* Whitespace is allowed before an extension only. */
static enum guard_step size_byte(struct guard *guard, unsigned char byte)
{
    if (!guard->at)
        return size_digit(guard, hexadecimal(byte));
    if (byte == '\r' && !guard->after) {
        guard->phase = GUARD_SIZE_END;
        return GUARD_KEEP;
    }
    if (byte == ' ' || byte == '\t') {
        guard->after = true;
        return GUARD_DROP;
    }
    if (byte == ';') {
        guard->phase = GUARD_EXTENSION;
        return GUARD_DROP;
    }
    return size_digit(guard, hexadecimal(byte));
}

static enum guard_step extension_byte(struct guard *guard, unsigned char byte)
{
    if (byte == '\r') {
        guard->phase = GUARD_SIZE_END;
        return GUARD_KEEP;
    }
    return guard_value_byte(byte) ? GUARD_DROP : guard_refuse(guard, CHUNK_LINE);
}

static enum guard_step bounded(struct guard *guard, enum guard_step step)
{
    guard->bytes++;
    if (step != GUARD_STOP && guard->bytes > LINE_MAX_BYTES)
        return guard_refuse(guard, "a chunk-size line of the body is too long");
    return step;
}

static enum guard_step size_end(struct guard *guard, unsigned char byte)
{
    if (byte != '\n')
        return guard_refuse(guard, CHUNK_LINE);
    guard->left = guard->number;
    guard->bytes = 0;
    guard->phase = guard->left ? GUARD_CHUNK : GUARD_TRAILER;
    return GUARD_KEEP;
}

static enum guard_step chunk_end(struct guard *guard, unsigned char byte)
{
    bool first = guard->phase == GUARD_CHUNK_CR;
    if (byte != (first ? '\r' : '\n'))
        return guard_refuse(guard, "a chunk of the body does not end where its size says");
    guard->number = 0;
    guard->at = 0;
    guard->after = false;
    guard->phase = first ? GUARD_CHUNK_END : GUARD_SIZE;
    return GUARD_KEEP;
}

/* --- trailers: checked like header fields, then dropped -------------------------------- */

static enum guard_step trailer_begins(struct guard *guard, unsigned char byte)
{
    if (byte == '\r') {
        guard->phase = GUARD_TRAILERS_END;
        return GUARD_KEEP;
    }
    guard->phase = GUARD_TRAILER_NAME;
    return guard_line_begin(guard, byte) == GUARD_KEEP ? GUARD_DROP : GUARD_STOP;
}

static enum guard_step trailer_name(struct guard *guard, unsigned char byte)
{
    if (byte == ':')
        guard->phase = GUARD_TRAILER_VALUE;
    else if (!guard_name_byte(byte))
        return guard_refuse(guard, guard_name_fault(byte));
    return GUARD_DROP;
}

static enum guard_step trailer_value(struct guard *guard, unsigned char byte)
{
    if (byte == '\r')
        guard->phase = GUARD_TRAILER_END;
    else if (!guard_value_byte(byte))
        return guard_refuse(guard, guard_value_fault(byte));
    return GUARD_DROP;
}

static enum guard_step trailer_line_end(struct guard *guard, unsigned char byte)
{
    if (byte != '\n')
        return guard_refuse(guard, CHUNK_LINE);
    bool all = guard->phase == GUARD_TRAILERS_END;
    guard->phase = all ? GUARD_BEGIN : GUARD_TRAILER;
    return all ? GUARD_KEEP : GUARD_DROP;
}

static enum guard_step trailer_step(struct guard *guard, unsigned char byte)
{
    if (++guard->bytes > GUARD_HEAD_MAX)
        return guard_refuse(guard, "the trailers of the body are too long");
    switch (guard->phase) {
    case GUARD_TRAILER:
        return trailer_begins(guard, byte);
    case GUARD_TRAILER_NAME:
        return trailer_name(guard, byte);
    case GUARD_TRAILER_VALUE:
        return trailer_value(guard, byte);
    default:
        return trailer_line_end(guard, byte);
    }
}

/* --- the whole ------------------------------------------------------------------------- */

static enum guard_step judge(struct guard *guard, unsigned char byte)
{
    if (guard->phase <= GUARD_HEAD_END)
        return guard_head_step(guard, byte);
    if (guard->phase >= GUARD_TRAILER)
        return trailer_step(guard, byte);
    switch (guard->phase) {
    case GUARD_SIZE:
        return bounded(guard, size_byte(guard, byte));
    case GUARD_EXTENSION:
        return bounded(guard, extension_byte(guard, byte));
    case GUARD_SIZE_END:
        return size_end(guard, byte);
    default:
        return chunk_end(guard, byte);
    }
}

static size_t run_of_body(struct guard *guard, size_t count)
{
    size_t run = (size_t)MIN(guard->left, (uint64_t)count);
    guard->left -= run;
    guard->passed += run;
    if (!guard->left)
        guard->phase = guard->phase == GUARD_CHUNK ? GUARD_CHUNK_CR : GUARD_BEGIN;
    return run;
}

/* Checks the value of an unknown field in one loop, without the state machine. */
static size_t run_of_value(struct guard *guard, const char *bytes, size_t count)
{
    size_t room = GUARD_HEAD_MAX - MIN(GUARD_HEAD_MAX, guard->bytes + guard->extra);
    size_t run = 0;
    while (run < MIN(room, count) && guard_value_byte((unsigned char)bytes[run]))
        run++;
    guard->bytes += (uint32_t)run;
    return run;
}

/* Returns how many bytes pass without going through the state machine. */
static size_t pass_run(struct guard *guard, const char *bytes, size_t count)
{
    if (guard->phase == GUARD_BODY || guard->phase == GUARD_CHUNK)
        return run_of_body(guard, count);
    if (guard->phase == GUARD_VALUE && guard->kind == GUARD_OTHER)
        return run_of_value(guard, bytes, count);
    return 0;
}

static size_t judge_one(struct guard *guard, unsigned char byte, size_t ahead)
{
    guard->ahead = (uint32_t)MIN(ahead, (size_t)GUARD_HEAD_MAX);
    return judge(guard, byte) == GUARD_KEEP && !guard->bare;
}

static bool has_stopped(const struct guard *guard)
{
    return guard->fault || (guard->bare && guard->phase == GUARD_BEGIN);
}

size_t guard_judge(struct guard *guard, char *bytes, size_t count)
{
    size_t kept = 0;
    for (size_t at = 0; at < count && !has_stopped(guard);) {
        size_t good = pass_run(guard, bytes + at, count - at);
        size_t seen = good ? good : 1;
        if (!good)
            good = judge_one(guard, (unsigned char)bytes[at], count - at - 1);
        if (kept != at)
            memmove(bytes + kept, bytes + at, good);
        kept += good;
        at += seen;
    }
    return kept;
}
