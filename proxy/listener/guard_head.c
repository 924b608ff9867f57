/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a request head byte by byte (RFC 9112 2 to 6). It does not repeat the checks of
 * proxy/request/head.c, which sees the whole head later, except where libmicrohttpd parses the head
 * differently. */
#include "listener/guard_priv.h"

#include <string.h>

static const char LONE_CR[] = "a line has a carriage return without a line feed";

static enum guard_step go_to(struct guard *guard, enum guard_phase phase)
{
    guard->phase = (uint8_t)phase;
    return GUARD_KEEP;
}

static enum guard_step line_feed(struct guard *guard, unsigned char byte, enum guard_phase next)
{
    return byte == '\n' ? go_to(guard, next) : guard_refuse(guard, LONE_CR);
}

/* --- the request line ------------------------------------------------------------------ */

static void begin_head(struct guard *guard)
{
    guard->heads++;
    guard->passed = 0;
    guard->bytes = 0;
    guard->extra = 0;
    guard->at = 0;
    guard->lengths = 0;
    guard->codings = 0;
    guard->head = 0;
    guard->target = false;
}

static enum guard_step method_byte(struct guard *guard, unsigned char byte)
{
    if (byte == ' ' && guard->bytes)
        return go_to(guard, GUARD_TARGET);
    if (byte <= ' ' || byte == 0x7f)
        return guard_refuse(guard, guard->bytes ? "the request line has no target"
                                                : "a blank line, a NUL or another control "
                                                  "character comes before the request line");
    bool agrees = guard->bytes < 4 && guard->head == guard->bytes &&
                  byte == (unsigned char)"HEAD"[guard->bytes];
    guard->head = agrees ? guard->head + 1 : UINT8_MAX;
    return GUARD_KEEP;
}

static enum guard_step first_byte(struct guard *guard, unsigned char byte)
{
    begin_head(guard);
    guard->phase = GUARD_METHOD;
    return method_byte(guard, byte);
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum guard_step line_is_complete(struct guard *guard)
{
    const char *version = guard->version;
    bool good = guard->target && guard->at == sizeof guard->version &&
                !memcmp(version, "HTTP/", 5) && digit(version[5]) && version[6] == '.' &&
                digit(version[7]);
    if (!good)
        return guard_refuse(guard, "the request line does not end with HTTP/1.1");
    if (version[5] == '1')
        return go_to(guard, GUARD_LINE_END);
    guard_stop(guard, REFUSAL_HTTP_VERSION, "the request is not in HTTP/1.1 or HTTP/1.0");
    return GUARD_STOP;
}

static enum guard_step target_byte(struct guard *guard, unsigned char byte)
{
    if (byte == '\r')
        return line_is_complete(guard);
    if (byte < ' ' || byte == 0x7f)
        return guard_refuse(guard, byte == '\n' ? GUARD_BARE_LF
                                                : "the request line has a control character");
    if (byte == ' ') {
        guard->target |= guard->at > 0;
        guard->at = 0;
        return GUARD_KEEP;
    }
    if (guard->at < sizeof guard->version)
        guard->version[guard->at] = (char)byte;
    if (guard->at < UINT8_MAX)
        guard->at++;
    return GUARD_KEEP;
}

/* --- field names ----------------------------------------------------------------------- */

static const char *const KNOWN[] = {[GUARD_OTHER] = "",
                                    [GUARD_LENGTH] = "content-length",
                                    [GUARD_CODING] = "transfer-encoding",
                                    [GUARD_EXPECT] = "expect",
                                    [GUARD_COOKIE] = "cookie"};

static void match_name(struct guard *guard, unsigned char byte)
{
    for (unsigned kind = GUARD_LENGTH; kind <= GUARD_COOKIE && guard->names; kind++)
        if (guard->names & (1U << kind) && KNOWN[kind][guard->at] != (char)guard_lower(byte))
            guard->names &= (uint8_t) ~(1U << kind);
    guard->at++;
}

static enum guard_step name_is_complete(struct guard *guard)
{
    guard->kind = GUARD_OTHER;
    for (unsigned kind = GUARD_LENGTH; kind <= GUARD_COOKIE && guard->names; kind++)
        if (guard->names & (1U << kind) && !KNOWN[kind][guard->at])
            guard->kind = (uint8_t)kind;
    guard->lengths += guard->kind == GUARD_LENGTH && guard->lengths < 2;
    guard->codings += guard->kind == GUARD_CODING && guard->codings < 2;
    guard->at = 0;
    guard->number = guard->kind == GUARD_LENGTH ? 0 : guard->number;
    guard->after = false;
    guard->extra += GUARD_FIELD_ROOM;
    if (guard->kind == GUARD_COOKIE)
        guard->extra += GUARD_FIELD_ROOM + 32; /* the first cookie, and the end of the copy */
    return go_to(guard, GUARD_VALUE);
}

static enum guard_step name_byte(struct guard *guard, unsigned char byte)
{
    if (byte == ':')
        return name_is_complete(guard);
    if (!guard_name_byte(byte))
        return guard_refuse(guard, guard_name_fault(byte));
    if (guard->names)
        match_name(guard, byte);
    return GUARD_KEEP;
}

static enum guard_step field_byte(struct guard *guard, unsigned char byte)
{
    if (byte == '\r')
        return go_to(guard, GUARD_HEAD_END);
    guard->names =
        1U << GUARD_LENGTH | 1U << GUARD_CODING | 1U << GUARD_EXPECT | 1U << GUARD_COOKIE;
    guard->at = 0;
    guard->phase = GUARD_NAME;
    enum guard_step step = guard_line_begin(guard, byte);
    if (step == GUARD_KEEP)
        match_name(guard, byte);
    return step;
}

/* --- field values ---------------------------------------------------------------------- */

static enum guard_step length_byte(struct guard *guard, unsigned char byte)
{
    uint64_t value = (uint64_t)(byte - '0');
    if (!digit((char)byte) || guard->after || guard->number > ((uint64_t)INT64_MAX - value) / 10)
        return guard_refuse(guard, "Content-Length is not a number of bytes below 2^63");
    guard->number = guard->number * 10 + value;
    guard->at = 1;
    return GUARD_KEEP;
}

static enum guard_step coding_byte(struct guard *guard, unsigned char byte)
{
    if (guard->after || "chunked"[guard->at] != (char)guard_lower(byte))
        return guard_refuse(guard, "Transfer-Encoding is not just chunked");
    guard->at++;
    return GUARD_KEEP;
}

static enum guard_step value_is_complete(struct guard *guard)
{
    if (guard->kind == GUARD_LENGTH && !guard->at)
        return guard_refuse(guard, "Content-Length is not a number of bytes below 2^63");
    if (guard->kind == GUARD_CODING && guard->at != strlen("chunked"))
        return guard_refuse(guard, "Transfer-Encoding is not just chunked");
    return go_to(guard, GUARD_FIELD_END);
}

/* libmicrohttpd copies the Cookie field, and allocates an entry for each cookie in it. */
static enum guard_step cookie_byte(struct guard *guard, unsigned char byte)
{
    guard->extra += byte == ';' || byte == ',' ? GUARD_FIELD_ROOM + 1 : 1;
    return GUARD_KEEP;
}

/* Whitespace around these values is no part of them (RFC 9110 5.5), but libmicrohttpd takes it for
 * one. So it is dropped. The values themselves have no whitespace within. */
static enum guard_step value_byte(struct guard *guard, unsigned char byte)
{
    if (byte == '\r')
        return value_is_complete(guard);
    if (!guard_value_byte(byte))
        return guard_refuse(guard, guard_value_fault(byte));
    if (guard->kind == GUARD_COOKIE)
        return cookie_byte(guard, byte);
    if (guard->kind != GUARD_OTHER && guard_blank(byte)) {
        guard->after = guard->at > 0;
        return GUARD_DROP;
    }
    if (guard->kind == GUARD_LENGTH)
        return length_byte(guard, byte);
    return guard->kind == GUARD_CODING ? coding_byte(guard, byte) : GUARD_KEEP;
}

/* --- the end of the head --------------------------------------------------------------- */

static enum guard_step too_long(struct guard *guard)
{
    bool line = guard->phase <= GUARD_LINE_END;
    guard_stop(guard, line ? REFUSAL_TARGET_TOO_LONG : REFUSAL_HEAD_TOO_LONG, NULL);
    return GUARD_STOP;
}

static enum guard_step framing_fault(struct guard *guard)
{
    if (guard->lengths && guard->codings)
        return guard_refuse(guard, "there are both Content-Length and Transfer-Encoding");
    return guard_refuse(guard, guard->lengths > 1 ? "there is more than one Content-Length"
                                                  : "Transfer-Encoding is not just chunked");
}

/* Bytes that were read together with the head are in the same pool. */
static enum guard_step head_is_complete(struct guard *guard, unsigned char byte)
{
    if (byte != '\n')
        return guard_refuse(guard, LONE_CR);
    if (guard->lengths + guard->codings > 1)
        return framing_fault(guard);
    if (guard->bytes + guard->extra + guard->ahead > GUARD_HEAD_MAX)
        return too_long(guard);
    guard->left = guard->lengths ? guard->number : 0;
    guard->number = 0;
    guard->at = 0;
    guard->bytes = 0;
    guard->after = false;
    if (guard->codings)
        return go_to(guard, GUARD_SIZE);
    return go_to(guard, guard->left ? GUARD_BODY : GUARD_BEGIN);
}

static enum guard_step judge(struct guard *guard, unsigned char byte)
{
    switch (guard->phase) {
    case GUARD_BEGIN:
        return first_byte(guard, byte);
    case GUARD_METHOD:
        return method_byte(guard, byte);
    case GUARD_TARGET:
        return target_byte(guard, byte);
    case GUARD_LINE_END:
        return line_feed(guard, byte, GUARD_FIELD);
    case GUARD_FIELD:
        return field_byte(guard, byte);
    case GUARD_NAME:
        return name_byte(guard, byte);
    case GUARD_VALUE:
        return value_byte(guard, byte);
    case GUARD_FIELD_END:
        return line_feed(guard, byte, GUARD_FIELD);
    default:
        return head_is_complete(guard, byte);
    }
}

enum guard_step guard_head_step(struct guard *guard, unsigned char byte)
{
    enum guard_step step = judge(guard, byte);
    if (step == GUARD_STOP || guard->phase > GUARD_HEAD_END || guard->phase == GUARD_BEGIN)
        return step;
    guard->bytes++;
    return guard->bytes + guard->extra > GUARD_HEAD_MAX ? too_long(guard) : step;
}
