/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that lines of a head and of the trailers share (RFC 9112 2.2 and 5). */
#include "listener/guard_priv.h"

#include <string.h>

const char GUARD_BARE_LF[] = "a line ends with a line feed alone, without a carriage return";

bool guard_blank(unsigned char byte)
{
    return byte == ' ' || byte == '\t';
}

unsigned char guard_lower(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

bool guard_name_byte(unsigned char byte)
{
    unsigned char letter = guard_lower(byte);
    return (letter >= 'a' && letter <= 'z') || byte == '-' ||
           (byte && strchr("!#$%&'*+.^_`|~0123456789", byte));
}

bool guard_value_byte(unsigned char byte)
{
    return (byte >= ' ' && byte != 0x7f) || byte == '\t';
}

const char *guard_name_fault(unsigned char byte)
{
    if (guard_blank(byte))
        return "a header name is followed by a blank";
    if (byte == '\r' || byte == '\n')
        return "a line has no colon";
    return "a header name has a character that does not belong in one";
}

const char *guard_value_fault(unsigned char byte)
{
    return byte == '\n' ? GUARD_BARE_LF : "a header value has a control character";
}

void guard_stop(struct guard *guard, enum refusal refusal, const char *fault)
{
    guard->refusal = refusal;
    guard->fault = fault ? fault : "";
}

enum guard_step guard_refuse(struct guard *guard, const char *fault)
{
    guard_stop(guard, REFUSAL_BAD_REQUEST, fault);
    return GUARD_STOP;
}

enum guard_step guard_line_begin(struct guard *guard, unsigned char byte)
{
    if (guard_blank(byte))
        return guard_refuse(guard, "a line is folded: it begins with a blank");
    if (byte == ':')
        return guard_refuse(guard, "a header has no name");
    if (byte == '\n')
        return guard_refuse(guard, GUARD_BARE_LF);
    return guard_name_byte(byte) ? GUARD_KEEP : guard_refuse(guard, guard_name_fault(byte));
}
