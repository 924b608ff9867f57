/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what the readers of the formats have found: words for the client, sizes, bytes needed. */
#include "format/format_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void format_explain(char out[FORMAT_WORDS], const char *text, ...)
{
    if (*out)
        return;
    va_list arguments;
    va_start(arguments, text);
    int length = vsnprintf(out, FORMAT_WORDS, text, arguments);
    va_end(arguments);
    if (length >= FORMAT_WORDS)
        memcpy(out + FORMAT_WORDS - sizeof "...", "...", sizeof "...");
    for (char *at = out; *at; at++)
        if (*at < 0x20 || *at > 0x7E)
            *at = '?';
}

void examination_set_size(struct format_examination *out, uint64_t count, uint64_t unit)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(count, unit, &bytes) || bytes > INT64_MAX) {
        format_explain(out->broken, "its size is impossible");
        return;
    }
    out->virtual_size_known = true;
    out->virtual_size = bytes;
}

/* Impossible numbers are ignored: they are damage, which other checks detect. */
void examination_set_need(struct format_examination *out, uint64_t count, uint64_t unit)
{
    uint64_t bytes;
    if (!__builtin_mul_overflow(count, unit, &bytes) && bytes <= INT64_MAX && bytes > out->needed)
        out->needed = bytes;
}
