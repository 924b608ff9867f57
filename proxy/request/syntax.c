/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of HTTP: tokens, values, hosts, percent-encoding, and lists. */
#include "request/request_priv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool tchar(char c)
{
    return alphanumeric(c) || one_of(c, "!#$%&'*+-.^_`|~");
}

bool unreserved(char c)
{
    return alphanumeric(c) || one_of(c, "-._~");
}

bool token_valid(const char *text)
{
    if (!*text)
        return false;
    while (tchar(*text))
        text++;
    return !*text;
}

bool value_valid(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

bool host_valid(const char *text)
{
    const char *begin = text;
    if (*text == '[') {
        text++;
        while (unreserved(*text) || *text == ':')
            text++;
        if (*text != ']')
            return false;
        text++;
    } else {
        while (unreserved(*text))
            text++;
    }
    if (text == begin)
        return false;
    if (*text == ':')
        text += 1 + strspn(text + 1, "0123456789");
    return !*text;
}

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

int percent_decoded(const char *text)
{
    if (text[0] != '%' || !isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
        return -1;
    return digit(text[1]) << 4 | digit(text[2]);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

struct span list_element(const char **at, char separator, bool quotes)
{
    const char *begin = *at;
    bool quoted = false;
    const char *end = begin;
    for (; *end && (quoted || *end != separator); end++) {
        if (quotes && *end == '"')
            quoted = !quoted;
        else if (quoted && *end == '\\' && end[1])
            end++;
    }
    *at = *end ? end + 1 : NULL;
    while (begin < end && blank(*begin))
        begin++;
    while (begin < end && blank(end[-1]))
        end--;
    return (struct span){begin, (size_t)(end - begin)};
}

bool list_next(const char **at, char separator, struct span *element)
{
    const char *begin = *at;
    if (!*begin)
        return false;
    *element = list_element(at, separator, true);
    if (!*at)
        *at = begin + strlen(begin);
    return true;
}

bool span_is(struct span span, const char *wanted)
{
    return strlen(wanted) == span.length && !strncasecmp(span.text, wanted, span.length);
}
