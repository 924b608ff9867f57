/* SPDX-License-Identifier: Apache-2.0 */
/* Reads VHDX ([MS-VHDX]). All numbers are little-endian. Three steps lead to the virtual size and
 * to the flag of a parent:
 *
 *      0            "vhdxfile"
 *      192 KiB      region table, with a copy at 256 KiB  -> offset of the metadata region
 *      (>= 1 MiB)   metadata table, 64 KiB                -> offset of each item in the region
 *      + (>= 64 KiB)  the items
 *
 * Each step is one look, and each of the two items is one look. The items may have any order. The
 * block allocation table is before or after the metadata, and has the offsets of the blocks: an
 * entry has the offset in MiB above 20 bits with the block's state. */
#include "format/format_priv.h"

enum {
    REGION_TABLE = 192 * 1024,
    REGION_TABLE_COPY = 256 * 1024,
    TABLE_BYTES = 64 * 1024,
    REGION_MIN = 1024 * 1024, /* the header section comes before it */
    GUID = 16,
    ENTRY = 32 /* bytes, in either table */
};

enum { STATE_MASK = 7, FULLY_PRESENT = 6, PARTLY_PRESENT = 7, MIB_BITS = 20 };
enum { BLOCK_TABLE, BLOCK_SIZE, LAST_BLOCK, METADATA_AT /* indices of `saved` */ };

#define REGION_MAX (UINT64_C(1) << 62)

/* Region table: 0 "regi"   8 count   16 entries: GUID, offset (8), length (4), required (4). */
enum { REGION_COUNT = 8, REGION_ENTRIES = 16, REGION_OFFSET = 16, ENTRIES_MAX = 2047 };

/* Metadata table: 0 "metadata"   10 count   32 entries: GUID, offset (4), length (4), flags (4). */
enum { ITEM_COUNT = 10, ITEM_ENTRIES = 32, ITEM_OFFSET = 16 };

/* GUIDs in the byte order of the file. */
static const unsigned char METADATA_REGION[GUID] = {0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B,
                                                    0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E};
static const unsigned char BLOCK_REGION[GUID] = {0x66, 0x77, 0xC2, 0x2D, 0x23, 0xF6, 0x00, 0x42,
                                                 0x9D, 0x64, 0x11, 0x5E, 0x9B, 0xFD, 0x4A, 0x08};
static const unsigned char FILE_PARAMETERS[GUID] = {0x37, 0x67, 0xA1, 0xCA, 0x36, 0xFA, 0x43, 0x4D,
                                                    0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7, 0x6B};
static const unsigned char DISK_SIZE[GUID] = {0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48,
                                              0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8};

enum { PARAMETERS_FLAGS = 4, HAS_PARENT = 2 };
enum { ITEM_BYTES = 8 /* of each item */, ITEM_OFFSET_MAX = 16 * 1024 * 1024 };

/* The kind of the requested look. For the first item, the upper bits of `step` have the distance
 * from the first item to the second. */
enum step {
    REGIONS,
    REGIONS_COPY,
    METADATA,
    PARAMETERS_FIRST,
    SIZE_FIRST,
    PARAMETERS_LAST,
    SIZE_LAST,
    BLOCKS_FIRST,
    BLOCKS_LAST
};
enum { STEP_BITS = 8 };

static void request_look(struct format_examination *out, uint64_t step, uint64_t offset,
                         size_t length)
{
    out->step = step;
    out->next = (struct format_look){offset, length};
}

/* The offset of the entry with that GUID. 0: none. */
static size_t find_entry(const struct view *view, size_t at, uint32_t count,
                         const unsigned char *guid)
{
    for (uint32_t i = 0; i < count && i < ENTRIES_MAX; i++, at += ENTRY)
        if (view_is(view, at, guid, GUID))
            return at;
    return 0;
}

static void examine_regions(struct view *view, struct format_examination *out)
{
    if (!view_is(view, 0, "regi", 4)) {
        if (out->step == REGIONS)
            request_look(out, REGIONS_COPY, REGION_TABLE_COPY, TABLE_BYTES);
        else
            format_explain(out->broken, "it has no region table");
        return;
    }
    uint32_t count = view_le32(view, REGION_COUNT);
    size_t entry = find_entry(view, REGION_ENTRIES, count, METADATA_REGION);
    size_t blocks = find_entry(view, REGION_ENTRIES, count, BLOCK_REGION);
    out->saved[BLOCK_TABLE] = blocks ? view_le64(view, blocks + REGION_OFFSET) : 0;
    uint64_t region = entry ? view_le64(view, entry + REGION_OFFSET) : 0;
    if (region < REGION_MIN || region > REGION_MAX)
        format_explain(out->broken, "it has no metadata");
    else if (blocks && out->saved[BLOCK_TABLE] >= REGION_MIN &&
             out->saved[BLOCK_TABLE] + TABLE_BYTES <= region)
        request_look(out, BLOCKS_FIRST, out->saved[BLOCK_TABLE], TABLE_BYTES);
    else
        request_look(out, METADATA, region, TABLE_BYTES);
    out->saved[METADATA_AT] = region;
}

/* The offset of the item in the metadata region. 0: none, or an impossible one. */
static uint32_t find_item(struct view *view, const unsigned char *guid)
{
    size_t entry = find_entry(view, ITEM_ENTRIES, view_le16(view, ITEM_COUNT), guid);
    uint32_t offset = entry ? view_le32(view, entry + ITEM_OFFSET) : 0;
    return offset < TABLE_BYTES || offset > ITEM_OFFSET_MAX ? 0 : offset;
}

static void examine_metadata(struct view *view, uint64_t region, struct format_examination *out)
{
    uint32_t parameters = find_item(view, FILE_PARAMETERS);
    uint32_t size = find_item(view, DISK_SIZE);
    bool size_last = parameters < size;
    uint32_t first = size_last ? parameters : size;
    uint32_t last = size_last ? size : parameters;
    if (!view_is(view, 0, "metadata", 8) || !first || last - first < ITEM_BYTES)
        format_explain(out->broken, "its metadata are incomplete");
    else
        request_look(out,
                     (size_last ? PARAMETERS_FIRST : SIZE_FIRST) | (uint64_t)(last - first)
                                                                       << STEP_BITS,
                     region + first, ITEM_BYTES);
}

static void take_parameters(struct view *view, struct format_examination *out)
{
    out->saved[BLOCK_SIZE] = view_le32(view, 0);
    if (view_le32(view, PARAMETERS_FLAGS) & HAS_PARENT)
        format_explain(out->unsafe, "it holds only the differences to a parent image");
}

/* Finds the block with the largest offset. LAST_BLOCK gets the offset, and the index of the entry
 * in the lower bits. The table has entries for bitmaps, too, so the number of the block is at most
 * that index. */
static void examine_blocks(struct view *view, struct format_examination *out)
{
    for (uint64_t at = 0; view_has(view, at, 8); at += 8) {
        uint64_t entry = view_le64(view, at);
        uint64_t state = entry & STATE_MASK;
        uint64_t offset = entry >> MIB_BITS << MIB_BITS;
        if ((state == FULLY_PRESENT || state == PARTLY_PRESENT) && offset > out->saved[LAST_BLOCK])
            out->saved[LAST_BLOCK] = offset | at / 8;
    }
}

/* A block has its whole size, or ends at the end of the disk. */
static void need_blocks(struct format_examination *out)
{
    uint64_t size = out->saved[BLOCK_SIZE];
    uint64_t number = out->saved[LAST_BLOCK] & ((UINT64_C(1) << MIB_BITS) - 1);
    if (!out->saved[LAST_BLOCK] || number * size >= out->virtual_size)
        return;
    uint64_t left = out->virtual_size - number * size;
    examination_set_need(out, out->saved[LAST_BLOCK] - number + (left < size ? left : size), 1);
}

/* Both items are known. The block table was read before them, or is read now if it follows them. */
static void look_for_blocks(const struct format_look *look, struct format_examination *out)
{
    uint64_t table = out->saved[BLOCK_TABLE];
    need_blocks(out);
    if (out->virtual_size_known && table >= look->offset + look->length && table <= REGION_MAX)
        request_look(out, BLOCKS_LAST, table, TABLE_BYTES);
}

void vhdx_examine(struct view *opening, struct format_examination *out)
{
    if (opening->count < FORMAT_OPENING)
        format_explain(out->broken, "it ends in front of its metadata");
    else
        request_look(out, REGIONS, REGION_TABLE, TABLE_BYTES);
}

void vhdx_examine_more(struct view *view, const struct format_look *look,
                       struct format_examination *out)
{
    enum step step = out->step & ((1U << STEP_BITS) - 1);
    uint64_t second = look->offset + (out->step >> STEP_BITS);
    if (step == REGIONS || step == REGIONS_COPY)
        examine_regions(view, out);
    else if (step == METADATA)
        examine_metadata(view, look->offset, out);
    else if (step == PARAMETERS_FIRST || step == PARAMETERS_LAST)
        take_parameters(view, out);
    else if (step == BLOCKS_FIRST || step == BLOCKS_LAST)
        examine_blocks(view, out);
    else
        examination_set_size(out, view_le64(view, 0), 1);
    if (step == BLOCKS_FIRST)
        request_look(out, METADATA, out->saved[METADATA_AT], TABLE_BYTES);
    else if (step == BLOCKS_LAST)
        need_blocks(out);
    else if (step == PARAMETERS_FIRST)
        request_look(out, SIZE_LAST, second, ITEM_BYTES);
    else if (step == SIZE_FIRST)
        request_look(out, PARAMETERS_LAST, second, ITEM_BYTES);
    else if (step == PARAMETERS_LAST || step == SIZE_LAST)
        look_for_blocks(look, out);
}
