/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises a file with a prefix that a program has added: a byte order mark, line ends, the
 * headers of an HTTP response (curl -i), or chunk sizes (RFC 9112 4 to 7.1). The file after the
 * prefix is recognised by its magic. Without a magic nothing is reported, because a raw disk may
 * begin with any bytes. */
#include "format/format_priv.h"

#include <ctype.h>
#include <string.h>

enum { STEPS_MAX = 8, LINES_MAX = 100, LINE_MAX_BYTES = 8192, BREAKS_MAX = 16, DIGITS_MAX = 16 };
/* The length of a magic after line ends. Many files begin with line ends, so a short magic does not
 * prove anything. */
enum { MAGIC_MIN = 4 };

/* The length of the line with its line feed. 0: not a line of text, or too long. */
static size_t line_length(const struct view *view, size_t at)
{
    for (size_t end = at; end < view->count && end - at < LINE_MAX_BYTES; end++) {
        unsigned char byte = view->bytes[end];
        if (byte == '\n')
            return end - at + 1;
        if ((byte < ' ' && byte != '\t' && byte != '\r') || byte == 0x7F)
            return 0;
    }
    return 0;
}

/* --- the prefixes: each function returns the length of its prefix at `at` -------------- */

static size_t byte_order_mark(const struct view *view, size_t at)
{
    return view_is(view, at, "\xEF\xBB\xBF", 3) ? 3 : 0;
}

static size_t line_ends(const struct view *view, size_t at)
{
    size_t end = at;
    while (end < view->count && end - at < BREAKS_MAX && strchr("\r\n", view->bytes[end]) &&
           view->bytes[end])
        end++;
    return end - at;
}

static bool is_field(const struct view *view, size_t at)
{
    size_t name = at;
    while (name < view->count && (isalnum(view->bytes[name]) || view->bytes[name] == '-'))
        name++;
    return name > at && view_is(view, name, ":", 1);
}

/* An optional status line, header fields, and an empty line. */
static size_t http_head(const struct view *view, size_t at)
{
    size_t end = at + (view_is(view, at, "HTTP/", 5) ? line_length(view, at) : 0);
    for (int lines = 0; lines < LINES_MAX; lines++) {
        size_t empty = view_is(view, end, "\r\n", 2) ? 2 : view_is(view, end, "\n", 1);
        if (empty)
            return end > at ? end + empty - at : 0;
        size_t length = is_field(view, end) ? line_length(view, end) : 0;
        if (!length)
            break;
        end += length;
    }
    return 0;
}

static size_t chunk_size(const struct view *view, size_t at)
{
    size_t end = at;
    while (end < view->count && end - at < DIGITS_MAX && isxdigit(view->bytes[end]))
        end++;
    size_t length = end > at && (view_is(view, end, "\r", 1) || view_is(view, end, ";", 1))
                        ? line_length(view, at)
                        : 0;
    return length && view->bytes[at + length - 2] == '\r' ? length : 0;
}

static const struct prefix {
    size_t (*length)(const struct view *view, size_t at);
    const char *words;
    size_t magic_min;
} PREFIXES[] = {
    {byte_order_mark, "a byte order mark (EF BB BF)", 1},
    {line_ends, "a line end", MAGIC_MIN},
    {http_head, "the headers of an HTTP message", 1},
    {chunk_size, "the size of an HTTP chunk", 1},
};

/* --- the file after the prefix --------------------------------------------------------- */

static const struct prefix *prefix_at(const struct view *view, size_t at, size_t *length)
{
    for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++)
        if ((*length = PREFIXES[i].length(view, at)))
            return &PREFIXES[i];
    return NULL;
}

/* Only formats with a magic count. Text would be recognised after any prefix. */
static const struct format *file_at(const struct view *view, size_t at, size_t magic_min)
{
    struct view file = {view->bytes + at, view->count - at, false};
    const struct format *format = format_recognised(&file);
    return format && format->length >= magic_min ? format : NULL;
}

const struct format *format_after_prefix(const struct view *opening, const char **words)
{
    size_t at = 0, length;
    const struct prefix *first = NULL;
    for (int steps = 0; steps < STEPS_MAX; steps++) {
        const struct prefix *prefix = prefix_at(opening, at, &length);
        if (!prefix)
            break;
        at += length;
        if (!first || first->magic_min > prefix->magic_min)
            first = prefix;
        const struct format *format = file_at(opening, at, first->magic_min);
        *words = first->words;
        if (format)
            return format;
    }
    return NULL;
}
