/* SPDX-License-Identifier: Apache-2.0 */
/* VHD, after Microsoft's "Virtual Hard Disk Image Format Specification". All numbers are
 * big-endian. The footer is the last sector:
 *
 *      0 "conectix"   12 version   16 dynamic header   48 current size   60 type
 *
 * A dynamic or differencing disk begins with a copy of it; of a fixed one it is the only trace. */
#include "format_priv.h"

enum { FOOTER = 512, AT_VERSION = 12, AT_DYNAMIC_HEADER = 16, AT_SIZE = 48, AT_TYPE = 60 };
enum { VERSION_1 = 0x00010000 };
enum { TYPE_FIXED = 2, TYPE_DYNAMIC, TYPE_DIFFERENCING };

static void examine_footer(struct view *footer, struct format_examination *out)
{
    uint32_t type = view_be32(footer, AT_TYPE);
    if (!view_has(footer, 0, FOOTER))
        footer->beyond = true;
    if (view_be32(footer, AT_VERSION) != VERSION_1)
        words_say(out->broken, "its version is 0x%08x", view_be32(footer, AT_VERSION));
    else if (type < TYPE_FIXED || type > TYPE_DIFFERENCING)
        words_say(out->broken, "there is no disk type %u", type);
    if (type == TYPE_DIFFERENCING)
        words_say(out->unsafe, "it holds only the differences to a parent image");
    words_size(out, view_be64(footer, AT_SIZE), 1);
}

void vhd_examine(struct view *opening, struct format_examination *out)
{
    examine_footer(opening, out);
    uint64_t header = view_be64(opening, AT_DYNAMIC_HEADER);
    if (view_be32(opening, AT_TYPE) != TYPE_FIXED && view_has(opening, header, 8) &&
        !view_is(opening, header, "cxsparse", 8))
        words_say(out->broken, "it has no header of a dynamic disk");
}

static void examine_end(struct view *end, struct format_examination *out)
{
    if (!view_is(end, 0, "conectix", 8))
        return;
    out->seen = "vhd";
    examine_footer(end, out);
}

/* A fixed disk looks like whatever is on it, but not like another disk format. */
void vhd_examine_unmarked(struct view *opening, struct format_examination *out)
{
    if (out->format && out->format->disk)
        return;
    if (opening->count == FORMAT_OPENING) {
        out->format = format_named("vhd");
        out->next = (struct format_look){FORMAT_FROM_END, FOOTER};
    } else if (opening->count >= FOOTER) {
        struct view end = {opening->bytes + opening->count - FOOTER, FOOTER, false};
        examine_end(&end, out);
    }
}

void vhd_examine_more(struct view *view, const struct format_look *look,
                      struct format_examination *out)
{
    (void)look;
    examine_end(view, out);
}
