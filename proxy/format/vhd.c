/* SPDX-License-Identifier: Apache-2.0 */
/* Reads VHD (Microsoft's "Virtual Hard Disk Image Format Specification"). All numbers are
 * big-endian. The footer is the last sector:
 *
 *      0 "conectix"   12 version   16 dynamic header   48 current size   60 type
 *
 * A dynamic or differencing disk begins with a copy of the footer. A fixed disk has only the
 * footer.
 *
 * Dynamic header: 0 "cxsparse"   16 table   28 its number of entries   32 block size. An entry of
 * the table is the sector at which a block begins; the block's bitmap comes before the block's
 * data. */
#include "format/format_priv.h"

#include <string.h>

enum { FOOTER = 512, AT_VERSION = 12, AT_DYNAMIC_HEADER = 16, AT_SIZE = 48, AT_TYPE = 60 };
enum { AT_TABLE = 16, AT_ENTRIES = 28, AT_BLOCK_SIZE = 32, SECTOR = 512, NO_BLOCK = -1 };
enum { TAIL = 4096 /* the footer is searched in these last bytes: some tools pad a file */ };
enum { VERSION_1 = 0x00010000 };
enum { TYPE_FIXED = 2, TYPE_DYNAMIC, TYPE_DIFFERENCING };

static void examine_footer(struct view *footer, struct format_examination *out)
{
    uint32_t type = view_be32(footer, AT_TYPE);
    if (!view_has(footer, 0, FOOTER))
        footer->out_of_bounds = true;
    if (view_be32(footer, AT_VERSION) != VERSION_1)
        format_explain(out->broken, "its version is 0x%08x", view_be32(footer, AT_VERSION));
    else if (type < TYPE_FIXED || type > TYPE_DIFFERENCING)
        format_explain(out->broken, "there is no disk type %u", type);
    if (type == TYPE_DIFFERENCING)
        format_explain(out->unsafe, "it holds only the differences to a parent image");
    examination_set_size(out, view_be64(footer, AT_SIZE), 1);
}

/* The file must contain the blocks of the part of the table that is in the opening. */
static void examine_table(struct view *opening, uint64_t header, struct format_examination *out)
{
    uint64_t table = view_be64(opening, header + AT_TABLE);
    uint32_t entries = view_be32(opening, header + AT_ENTRIES);
    uint64_t block = view_be32(opening, header + AT_BLOCK_SIZE);
    uint64_t bitmap = (block / SECTOR / 8 + SECTOR - 1) / SECTOR * SECTOR;
    for (uint64_t at = table; entries && view_has(opening, at, 4); at += 4, entries--) {
        uint32_t sector = view_be32(opening, at);
        if (sector != (uint32_t)NO_BLOCK)
            examination_set_need(out, sector * UINT64_C(512) + bitmap + block + FOOTER, 1);
    }
}

static void examine_tail(const struct view *tail, struct format_examination *out)
{
    if (!memmem(tail->bytes, tail->count, "conectix", 8))
        format_explain(out->truncated, "its footer, which should be its last sector, is missing");
}

/* For a dynamic disk. */
static void look_for_footer(const struct view *opening, struct format_examination *out)
{
    if (opening->count == FORMAT_OPENING) {
        out->next = (struct format_look){FORMAT_FROM_END, TAIL};
    } else if (opening->count > FOOTER) {
        size_t count = opening->count - FOOTER < TAIL ? opening->count - FOOTER : TAIL;
        struct view tail = {opening->bytes + opening->count - count, count, false};
        examine_tail(&tail, out);
    }
}

void vhd_examine(struct view *opening, struct format_examination *out)
{
    examine_footer(opening, out);
    uint64_t header = view_be64(opening, AT_DYNAMIC_HEADER);
    if (view_be32(opening, AT_TYPE) != TYPE_FIXED && view_has(opening, header, 8) &&
        !view_is(opening, header, "cxsparse", 8))
        format_explain(out->broken, "it has no header of a dynamic disk");
    if (view_is(opening, header, "cxsparse", 8) && view_has(opening, header, AT_BLOCK_SIZE + 4)) {
        examine_table(opening, header, out);
        look_for_footer(opening, out);
    }
}

static void examine_end(struct view *end, struct format_examination *out)
{
    if (!view_is(end, 0, "conectix", 8))
        return;
    out->seen = "vhd";
    examine_footer(end, out);
    examination_set_need(out, view_be64(end, AT_SIZE) + FOOTER, 1);
}

/* A fixed disk may look like anything except another disk format. */
void vhd_examine_unmarked(const struct format *declared, struct view *opening,
                          struct format_examination *out)
{
    if (out->format && out->format->disk)
        return;
    if (opening->count == FORMAT_OPENING) {
        out->format = declared;
        out->next = (struct format_look){FORMAT_FROM_END, FOOTER};
    } else if (opening->count >= FOOTER) {
        struct view end = {opening->bytes + opening->count - FOOTER, FOOTER, false};
        examine_end(&end, out);
    }
}

void vhd_examine_more(struct view *view, const struct format_look *look,
                      struct format_examination *out)
{
    if (look->length == TAIL)
        examine_tail(view, out);
    else
        examine_end(view, out);
}
