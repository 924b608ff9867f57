/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the format of an opening in the table, and lets its reader fill in the examination. */
#include "format/format_priv.h"

#include <string.h>

/* No program can open a disk format with an incomplete header. Other faults are dropped, because
 * they come from the zeros that were read instead of the missing bytes. */
static void check_end(const struct view *view, struct format_examination *out)
{
    if (!view->out_of_bounds)
        return;
    out->broken[0] = '\0';
    format_explain(out->broken, "it ends in the middle of its header");
}

static bool check_length(struct format_examination *out)
{
    bool said = *out->truncated;
    if (out->length != FORMAT_LENGTH_UNKNOWN && out->needed > out->length)
        format_explain(out->truncated, "it has %llu bytes, and by its own header it needs %llu",
                       (unsigned long long)out->length, (unsigned long long)out->needed);
    return *out->truncated && !said;
}

void format_examine(const void *opening, size_t count, const char *disk_format, uint64_t length,
                    struct format_examination *out)
{
    struct view view = {count ? opening : "", count, false};
    const struct format *format = format_recognised(&view);
    *out = (struct format_examination){
        .seen = format ? format->name : NULL, .format = format, .length = length};
    if (format && format->examine)
        format->examine(&view, out);
    const struct format *declared = format_named(disk_format);
    if (declared && declared->examine_unmarked && !(out->seen && !strcmp(out->seen, disk_format)))
        declared->examine_unmarked(declared, &view, out);
    check_end(&view, out);
    check_length(out);
}

void format_examine_more(struct format_examination *examination, const void *bytes, size_t count)
{
    struct format_look look = examination->next;
    struct view view = {bytes, count < look.length ? count : look.length, false};
    if (!look.length)
        return;
    examination->next = (struct format_look){0};
    examination->format->examine_more(&view, &look, examination);
    check_end(&view, examination);
    check_length(examination);
}

bool format_examine_end(struct format_examination *examination, uint64_t length)
{
    examination->length = length;
    return check_length(examination);
}
