/* SPDX-License-Identifier: Apache-2.0 */
/* Parses one element of a forwarding header. An ambiguous element is an error. */
#include "intake/networks.h"

#include "request/request_priv.h"

#include <string.h>
#include <strings.h>

/* --- a node: an address, or an identifier in place of one (RFC 7239 6) ------------------- */

/* An obfuscated identifier (RFC 7239 6.3): "_" and at least one character. */
static bool obfuscated(const char *text)
{
    const char *at = text + (*text == '_');
    while (unreserved(*at) && *at != '~')
        at++;
    return !*at && at > text + 1 && *text == '_';
}

static bool port_valid(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return (digits > 0 && digits <= 5 && !text[digits]) || obfuscated(text);
}

/* Strips the port, and the brackets of an IPv6 address. NULL: not a node. */
static char *node_host(char *node)
{
    bool bracketed = *node == '[';
    char *host = node + bracketed;
    char *end = strchr(host, bracketed ? ']' : ':');
    if (!bracketed && (!end || strchr(end + 1, ':')))
        return host; /* no port, or an IPv6 address without brackets */
    if (!end)
        return NULL;
    char *after = end + bracketed;
    if (*after && (*after != ':' || !port_valid(after + 1)))
        return NULL;
    *end = '\0';
    return bracketed && !strchr(host, ':') ? NULL : host;
}

enum node node_read(struct span span, char address[ADDRESS_TEXT_MAX])
{
    char text[NODE_MAX];
    *address = '\0';
    if (!span.length)
        return NODE_HIDDEN;
    if (span.length >= sizeof text)
        return NODE_UNREADABLE;
    memcpy(text, span.text, span.length);
    text[span.length] = '\0';
    const char *host = node_host(text);
    if (!host)
        return NODE_UNREADABLE;
    if (!strcasecmp(host, "unknown") || obfuscated(host))
        return NODE_HIDDEN;
    return address_normal(host, address) ? NODE_ADDRESS : NODE_UNREADABLE;
}

/* --- an element of Forwarded (RFC 7239 4) ------------------------------------------------ */

/* The position in the element, and its end. */
struct cursor {
    const char *at, *end;
};

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
}

static size_t run_length(const struct cursor *cursor, const char *stop)
{
    size_t remaining = (size_t)(cursor->end - cursor->at);
    size_t length = strcspn(cursor->at, stop);
    return length < remaining ? length : remaining;
}

/* Appends a character; `*length` also counts those that do not fit. end_value() empties such a
 * value, because no valid value is that long. */
static void append_char(char *out, size_t size, size_t *length, char c)
{
    if (*length + 1 < size)
        out[*length] = c;
    ++*length;
}

static void end_value(char *out, size_t size, size_t length)
{
    if (size)
        out[length < size ? length : 0] = '\0';
}

/* Reads from after the opening quote to after the closing one. */
static bool read_quoted(struct cursor *cursor, char *out, size_t size)
{
    size_t length = 0;
    for (; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
        if (*cursor->at == '\\' && ++cursor->at == cursor->end)
            return false;
        append_char(out, size, &length, *cursor->at);
    }
    end_value(out, size, length);
    return cursor->at++ < cursor->end;
}

/* Reads a token. Proxies also write an address with its port or brackets without quotes. */
static bool read_unquoted(struct cursor *cursor, char *out, size_t size)
{
    size_t length = 0;
    size_t count = run_length(cursor, "\"\\,; \t");
    for (; length < count; cursor->at++)
        append_char(out, size, &length, *cursor->at);
    end_value(out, size, length);
    return count > 0;
}

static bool read_value(struct cursor *cursor, char *out, size_t size)
{
    if (cursor->at == cursor->end || *cursor->at != '"')
        return read_unquoted(cursor, out, size);
    cursor->at++;
    return read_quoted(cursor, out, size);
}

/* Reads "name=value". A repeated name makes the element ambiguous: an error. */
static bool read_pair(struct cursor *cursor, struct forwarded *out, unsigned *seen)
{
    const struct {
        const char *name;
        char *value;
        size_t size;
    } known[] = {{"for", out->node, sizeof out->node},
                 {"proto", out->proto, sizeof out->proto},
                 {"host", out->host, sizeof out->host}};
    struct span name = {cursor->at, run_length(cursor, "=\"\\,; \t")};
    cursor->at += name.length;
    if (!name.length || cursor->at == cursor->end || *cursor->at++ != '=')
        return false;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        if (!span_is(name, known[i].name))
            continue;
        bool first = !(*seen & 1U << i);
        *seen |= 1U << i;
        return first && read_value(cursor, known[i].value, known[i].size);
    }
    return read_value(cursor, NULL, 0);
}

bool forwarded_read(struct span element, struct forwarded *out)
{
    struct cursor cursor = {element.text, element.text + element.length};
    unsigned seen = 0;
    *out = (struct forwarded){0};
    while (cursor.at < cursor.end) {
        skip_blanks(&cursor);
        if (cursor.at < cursor.end && *cursor.at != ';' && !read_pair(&cursor, out, &seen))
            return false;
        skip_blanks(&cursor);
        if (cursor.at < cursor.end && *cursor.at++ != ';')
            return false;
    }
    return true;
}
