/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises a file that was sent in a text encoding: base64, percent escapes, hexadecimal digits,
 * JSON, the fields of a form. No disk image consists of such text from its first byte on. */
#include "body/encoded.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_MIN = 4 * 1024, NAME_MAX_LENGTH = 64, LINE_MIN = 60, LINE_MAX_LENGTH = 128 };

static bool is_base64(int c)
{
    return isalnum(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}

static bool is_hex(int c)
{
    return isxdigit(c);
}

static bool is_printable(int c)
{
    return c >= 0x20 && c < 0x7F;
}

static bool all_are(const char *bytes, size_t count, bool (*is)(int c))
{
    for (size_t i = 0; i < count; i++)
        if (!is((unsigned char)bytes[i]))
            return false;
    return true;
}

/* True: all lines are as long as the first one, as `base64 FILE` and `xxd -p FILE` print them. The
 * last line may be incomplete. */
static bool is_in_lines(const char *bytes, size_t count, bool (*is)(int c))
{
    const char *end = memchr(bytes, '\n', count);
    size_t line = end ? (size_t)(end - bytes) : 0;
    size_t text = line && bytes[line - 1] == '\r' ? line - 1 : line;
    if (text < LINE_MIN || text > LINE_MAX_LENGTH)
        return false;
    for (size_t at = 0; at + line < count; at += line + 1)
        if (!all_are(bytes + at, text, is) || bytes[at + line] != '\n')
            return false;
    return true;
}

/* True: every '%' begins an escape, and there are as many escapes as in an encoded binary file. */
static bool has_escapes(const char *bytes, size_t count)
{
    size_t escapes = 0;
    for (size_t i = 0; i < count; i++)
        if (bytes[i] == '%') {
            if (i + 2 < count &&
                (!is_hex((unsigned char)bytes[i + 1]) || !is_hex((unsigned char)bytes[i + 2])))
                return false;
            escapes++;
        }
    return escapes > count / 32;
}

/* True: the text begins with "name=". */
static bool is_field(const char *bytes, size_t count)
{
    size_t at = 0;
    while (at < count && at < NAME_MAX_LENGTH &&
           (isalnum((unsigned char)bytes[at]) || strchr("_-.", bytes[at])))
        at++;
    return at > 0 && at < count && bytes[at] == '=';
}

static const char *in_one_line(const char *bytes, size_t count)
{
    if (!all_are(bytes, count, is_printable))
        return NULL;
    if (*bytes == '{' || *bytes == '[')
        return "JSON";
    if (count > 5 && memcmp(bytes, "data:", 5) == 0)
        return "a data: URL";
    if (has_escapes(bytes, count))
        return is_field(bytes, count) ? "the fields of an HTML form (name=value)"
                                      : "percent-encoded text";
    if (all_are(bytes, count, is_hex))
        return "hexadecimal digits";
    return all_are(bytes, count, is_base64) ? "base64 text" : NULL;
}

const char *encoded_as(const char *opening, size_t count)
{
    if (count < TEXT_MIN)
        return NULL;
    const char *words = in_one_line(opening, count);
    if (words)
        return words;
    if (is_in_lines(opening, count, is_hex))
        return "hexadecimal digits";
    return is_in_lines(opening, count, is_base64) ? "base64 text" : NULL;
}
