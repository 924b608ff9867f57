/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the header of VMDK (VMware's "Virtual Disk Format 5.0"). All numbers are little-endian, and
 * in sectors:
 *
 *      0 "KDMV"   4 version   12 capacity   20 grain size   28 descriptor: offset (8), length (8)
 *     44 grains in a table (4)   56 directory of the tables   64 overhead before the data
 *     73 LF ' ' CR LF, which a transfer as text would change
 *
 * The header belongs to a whole image (monolithicSparse, streamOptimized), or to an extent: one of
 * several files that are named in another file. The descriptor, a text, names extents and parents.
 * QEMU reads it immediately after the header, and ignores the offset in the header. QEMU takes a
 * header without capacity as a wrapper around a descriptor, which may name any file.
 *
 * A stream has a second header at its end (footer marker, header, end marker: a sector each). It
 * may have another capacity than the first. */
#include "format/format_priv.h"

#include <string.h>

enum {
    SECTOR = 512,
    AT_VERSION = 4,
    AT_CAPACITY = 12,
    AT_GRAIN = 20,
    AT_DESCRIPTOR = 28,
    AT_DESCRIPTOR_LENGTH = 36,
    AT_TABLE_ENTRIES = 44,
    AT_GRAINS = 56,
    AT_OVERHEAD = 64,
    AT_LINE_ENDS = 73
};

enum {
    VERSION_MAX = 3,
    DESCRIPTOR_USUAL = 20, /* sectors that QEMU reads, independent of the header */
    DESCRIPTOR_MAX = FORMAT_OPENING / SECTOR - 1,
    FOOTER = SECTOR,
    FOOTER_LENGTH = 3 * SECTOR,
    TAIL = 16 * 1024 /* the footer of a stream is searched in these last bytes */
};

#define GRAINS_AT_END UINT64_MAX

/* --- the descriptor -------------------------------------------------------------------- */

static void examine_descriptor(struct view *opening, struct format_examination *out)
{
    uint64_t offset = view_le64(opening, AT_DESCRIPTOR);
    uint64_t sectors = view_le64(opening, AT_DESCRIPTOR_LENGTH);
    if (offset != 1 || !sectors) {
        format_explain(out->unsafe, offset ? "its descriptor is not behind its header"
                                           : "it has no descriptor: it is a part of another image");
        return;
    }
    if (sectors > DESCRIPTOR_MAX) {
        format_explain(out->unsafe, "its descriptor is larger than any is");
        return;
    }
    if (sectors < DESCRIPTOR_USUAL)
        sectors = DESCRIPTOR_USUAL;
    size_t room = opening->count > SECTOR ? opening->count - SECTOR : 0;
    size_t count = sectors * SECTOR < room ? sectors * SECTOR : room;
    vmdk_descriptor_examine((const char *)opening->bytes + SECTOR, count, out->unsafe);
}

/* --- the header ------------------------------------------------------------------------ */

static void examine_footer(struct view *end, struct format_examination *out)
{
    if (!view_is(end, FOOTER, "KDMV", 4))
        return;
    uint64_t capacity = view_le64(end, FOOTER + AT_CAPACITY);
    if (capacity > out->virtual_size / SECTOR)
        examination_set_size(out, capacity, SECTOR);
}

/* The last bytes of a stream. A footer that is not exactly at the end is accepted, too. */
static void examine_tail(const struct view *tail, struct format_examination *out)
{
    struct view end = {tail->bytes + tail->count - FOOTER_LENGTH, FOOTER_LENGTH, false};
    if (tail->count < FOOTER_LENGTH || !memmem(tail->bytes, tail->count, "KDMV", 4))
        format_explain(out->truncated, "its footer, which should be at its end, is missing");
    else
        examine_footer(&end, out);
}

static void look_for_footer(struct view *opening, struct format_examination *out)
{
    if (opening->count == FORMAT_OPENING) {
        out->next = (struct format_look){FORMAT_FROM_END, TAIL};
    } else if (opening->count > SECTOR) {
        size_t count = opening->count - SECTOR < TAIL ? opening->count - SECTOR : TAIL;
        struct view tail = {opening->bytes + opening->count - count, count, false};
        examine_tail(&tail, out);
    }
}

static void follow_tables(struct view *opening, uint64_t capacity, struct format_examination *out)
{
    const struct vmdk_tables tables = {.capacity = capacity,
                                       .grain = view_le64(opening, AT_GRAIN),
                                       .entries = view_le32(opening, AT_TABLE_ENTRIES),
                                       .directory = view_le64(opening, AT_GRAINS)};
    examination_set_need(out, view_le64(opening, AT_OVERHEAD), SECTOR);
    if (!*out->broken)
        vmdk_examine_tables(opening, &tables, out);
}

void vmdk_examine(struct view *opening, struct format_examination *out)
{
    uint32_t version = view_le32(opening, AT_VERSION);
    uint64_t capacity = view_le64(opening, AT_CAPACITY);
    if (!version || version > VERSION_MAX)
        format_explain(out->broken, "its version is %u", version);
    else if (!view_is(opening, AT_LINE_ENDS, "\n \r\n", 4))
        format_explain(out->broken, "its line ends were changed");
    if (!view_has(opening, 0, SECTOR))
        opening->out_of_bounds = true;
    if (capacity)
        examination_set_size(out, capacity, SECTOR);
    else
        format_explain(out->unsafe,
                       "its header has no capacity: it is the descriptor of other files");
    examine_descriptor(opening, out);
    if (view_le64(opening, AT_GRAINS) == GRAINS_AT_END)
        look_for_footer(opening, out);
    else
        follow_tables(opening, capacity, out);
}

void vmdk_examine_more(struct view *view, const struct format_look *look,
                       struct format_examination *out)
{
    if (look->offset & FORMAT_FROM_END)
        examine_tail(view, out);
    else
        vmdk_tables_more(view, look, out);
}

void vmdk_cowd_examine(struct view *opening, struct format_examination *out)
{
    (void)opening;
    format_explain(out->unsafe, "it is an extent of ESX (COWD), a part of another image");
}

/* --- a descriptor alone ---------------------------------------------------------------- */

static size_t text_length(const struct view *opening)
{
    return strnlen((const char *)opening->bytes, opening->count);
}

static bool version_line(const char *at, size_t count)
{
    static const char key[] = "version=";
    enum { KEY = sizeof key - 1 };
    return count >= KEY + 2 && !memcmp(at, key, KEY) && at[KEY] >= '1' && at[KEY] <= '3' &&
           strchr("\r\n", at[KEY + 1]);
}

/* After blank lines and comments, a descriptor begins with its version. QEMU recognises it by that,
 * and does not require "# Disk DescriptorFile". */
bool vmdk_text_matches(const struct view *opening)
{
    const char *at = (const char *)opening->bytes;
    const char *end = at + text_length(opening);
    while (at < end && strchr("# \r\n", *at)) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        at = line_end ? line_end + 1 : end;
    }
    return version_line(at, (size_t)(end - at));
}

void vmdk_text_examine(struct view *opening, struct format_examination *out)
{
    vmdk_descriptor_examine((const char *)opening->bytes, text_length(opening), out->unsafe);
    format_explain(out->unsafe, "it is only a descriptor, and the data are in other files");
}

/* QEMU reads a file that is declared vmdk and has no header as a descriptor, with any beginning. */
void vmdk_examine_unmarked(const struct format *declared, struct view *opening,
                           struct format_examination *out)
{
    (void)declared;
    size_t count = text_length(opening);
    if (count == FORMAT_OPENING)
        format_explain(out->unsafe, "it is read as a descriptor, and is larger than any is");
    else if (memmem(opening->bytes, count, "createType", 10))
        format_explain(out->unsafe, "it is only a descriptor, and the data are in other files");
}
