/* SPDX-License-Identifier: Apache-2.0 */
/* Writes text and numbers into HTML. */
#include "intake/html.h"

#include "intake/buffer.h"
#include "intake/utf8.h"

#include <string.h>

bool put(struct buffer *out, const char *html)
{
    return buffer_append(out, html, strlen(html));
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

bool put_escaped(struct buffer *out, const char *text)
{
    struct buffer clean;
    buffer_init(&clean, 3 * strlen(text));
    bool fits = utf8_clean(text, &clean);
    for (const char *c = buffer_text(&clean); *c && fits; c++)
        fits = entity(*c) ? put(out, entity(*c)) : buffer_append(out, c, 1);
    buffer_free(&clean);
    return fits;
}

bool put_bytes(struct buffer *out, double bytes)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit < sizeof UNITS / sizeof *UNITS - 1) {
        bytes /= 1024;
        unit++;
    }
    return buffer_print(out, unit ? "%.1f %s" : "%.0f %s", bytes, UNITS[unit]);
}

bool put_duration(struct buffer *out, double seconds)
{
    unsigned long whole = (unsigned long)seconds;
    if (whole >= 3600)
        return buffer_print(out, "%lu h %02lu min", whole / 3600, whole / 60 % 60);
    if (whole >= 60)
        return buffer_print(out, "%lu min %02lu s", whole / 60, whole % 60);
    return buffer_print(out, "%.1f s", seconds);
}
