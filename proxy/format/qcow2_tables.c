/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tables of a qcow2, which have the offsets of its data. Entries have 8 bytes,
 * big-endian. Their bits:
 *
 *     L1   63 copied   9..55 offset of the L2 table, 0: none
 *     L2   63 copied   62 compressed   9..55 offset of the cluster   0 the cluster is zeros
 *
 * The offset of a compressed cluster is in the lower bits; their number depends on the cluster
 * size. With subclusters (extended L2), 8 more bytes follow an L2 entry.
 *
 * The first look is at L1. The second look is at the L2 table of the last L1 entry: the data that
 * was written last, which is near the end of the file, usually belongs to that table. */
#include "format/format_priv.h"

enum { ENTRY = 8, CLUSTER_BITS_MASK = 0xFF, EXTENDED_BIT = 8 };
enum { L1 = 1, L2 };

#define COMPRESSED  (UINT64_C(1) << 62)
#define ZEROS       UINT64_C(1)
#define L1_RESERVED UINT64_C(0x7F000000000001FF)
#define OFFSET      UINT64_C(0x00FFFFFFFFFFFE00)

static uint32_t cluster_bits(const struct format_examination *out)
{
    return out->saved[0] & CLUSTER_BITS_MASK;
}

static bool misaligned(uint64_t offset, const struct format_examination *out)
{
    return offset & ((UINT64_C(1) << cluster_bits(out)) - 1);
}

/* --- L2 -------------------------------------------------------------------------------- */

static void check_l2_entry(uint64_t entry, struct format_examination *out)
{
    uint64_t offset = entry & OFFSET;
    if (entry & COMPRESSED)
        examination_set_need(out, (entry & ((UINT64_C(1) << (70 - cluster_bits(out))) - 1)) + 1, 1);
    else if (!offset || entry & ZEROS)
        return;
    else if (misaligned(offset, out))
        format_explain(out->broken, "its tables point to where no cluster begins");
    else
        examination_set_need(out, offset + 1, 1);
}

static void examine_l2(struct view *view, struct format_examination *out)
{
    uint64_t step = out->saved[0] >> EXTENDED_BIT ? 2 * ENTRY : ENTRY;
    for (uint64_t at = 0; view_has(view, at, step); at += step)
        check_l2_entry(view_be64(view, at), out);
}

/* --- L1 -------------------------------------------------------------------------------- */

static void look_for_l2(uint64_t offset, uint64_t after, struct format_examination *out)
{
    uint64_t length = UINT64_C(1) << cluster_bits(out);
    if (!offset || offset < after || *out->broken)
        return;
    out->step = L2;
    out->next =
        (struct format_look){offset, length < FORMAT_LOOK_MAX ? (size_t)length : FORMAT_LOOK_MAX};
}

/* `after`: the first position at which there may be a further look. */
static void examine_l1(struct view *view, uint64_t after, struct format_examination *out)
{
    uint64_t last = 0;
    for (uint64_t at = 0; view_has(view, at, ENTRY); at += ENTRY) {
        uint64_t entry = view_be64(view, at);
        uint64_t offset = entry & OFFSET;
        if (entry & L1_RESERVED || misaligned(offset, out))
            format_explain(out->broken, "its L1 table is none");
        else if (offset)
            examination_set_need(out, (last = offset) + ENTRY, 1);
    }
    look_for_l2(last, after, out);
}

void qcow2_examine_tables(struct view *opening, const struct qcow2_tables *tables,
                          struct format_examination *out)
{
    uint64_t length = tables->l1_entries * UINT64_C(8);
    if (length > FORMAT_LOOK_MAX)
        length = FORMAT_LOOK_MAX;
    out->saved[0] = tables->cluster_bits | (uint64_t)tables->extended << EXTENDED_BIT;
    if (tables->l1_offset >= FORMAT_OPENING) {
        out->step = L1;
        out->next = (struct format_look){tables->l1_offset, (size_t)length};
    } else if (view_has(opening, tables->l1_offset, length)) {
        struct view view = {opening->bytes + tables->l1_offset, (size_t)length, false};
        examine_l1(&view, FORMAT_OPENING, out);
    }
}

void qcow2_examine_more(struct view *view, const struct format_look *look,
                        struct format_examination *out)
{
    if (out->step == L1)
        examine_l1(view, look->offset + look->length, out);
    else
        examine_l2(view, out);
}
