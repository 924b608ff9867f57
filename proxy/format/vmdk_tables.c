/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tables of a VMDK, which have the positions of its grains ("Virtual Disk Format 5.0").
 * The grain directory has a number of 4 bytes for each grain table, and a table has one for each
 * grain. Both are little-endian, and in sectors. 0: there is none. 1 in a table: the grain is
 * zeros.
 *
 *     | header | descriptor | copies of these | directory | table | table ... | grains ... |
 *
 * Tables are usually contiguous, because they are created with the file, and then all of them are
 * examined. If they are not contiguous, the file must only contain the tables that the directory
 * names. */
#include "format/format_priv.h"

#include <sys/param.h>

enum { SECTOR = 512, ENTRY = 4, TABLE_ENTRIES_MAX = 64 * 1024, NO_GRAIN_MAX = 1 };
/* VMware makes disks of up to 2 TiB, whose directory has 256 KiB. */
enum { DIRECTORY_MAX = 1024 * 1024 };
enum { DIRECTORY = 1, TABLES };
/* Indices of `saved`. END: the offset at which the directory, or the last table, ends. FIRST and
 * LAST: sectors of tables. */
enum { TABLE_BYTES, END, FIRST, LAST, COUNT };

static void note_tables(struct view *directory, struct format_examination *out)
{
    for (uint64_t at = 0; view_has(directory, at, ENTRY); at += ENTRY) {
        uint64_t sector = view_le32(directory, at);
        if (!sector)
            continue;
        out->saved[FIRST] = out->saved[COUNT] ? MIN(out->saved[FIRST], sector) : sector;
        out->saved[LAST] = MAX(out->saved[LAST], sector);
        out->saved[COUNT]++;
    }
}

static void examine_tables(struct view *tables, struct format_examination *out)
{
    for (uint64_t at = 0; view_has(tables, at, ENTRY); at += ENTRY) {
        uint32_t grain = view_le32(tables, at);
        if (grain > NO_GRAIN_MAX)
            examination_set_need(out, (uint64_t)grain * SECTOR + 1, 1);
    }
}

static void examine_part(struct view *part, struct format_examination *out)
{
    if (out->step == DIRECTORY)
        note_tables(part, out);
    else
        examine_tables(part, out);
}

/* After the directory. The offset of the first table. UINT64_MAX: the tables are not contiguous, or
 * there are none. */
static uint64_t begin_tables(struct format_examination *out)
{
    const uint64_t *saved = out->saved;
    if (!saved[COUNT])
        return UINT64_MAX;
    out->step = TABLES;
    out->saved[END] = saved[LAST] * SECTOR + saved[TABLE_BYTES];
    examination_set_need(out, saved[END], 1);
    uint64_t bytes = (saved[LAST] - saved[FIRST]) * SECTOR + saved[TABLE_BYTES];
    return bytes == saved[COUNT] * saved[TABLE_BYTES] ? saved[FIRST] * SECTOR : UINT64_MAX;
}

static void look_from(uint64_t at, struct format_examination *out)
{
    if (at < out->saved[END])
        out->next = (struct format_look){at, (size_t)MIN(out->saved[END] - at, FORMAT_LOOK_MAX)};
}

/* Returns whether the part ends in the opening. If not, the rest is examined in further looks. */
static bool examine_opening(const struct view *opening, uint64_t from,
                            struct format_examination *out)
{
    uint64_t end = MIN(out->saved[END], opening->count);
    if (from < end) {
        struct view view = {opening->bytes + from, (size_t)(end - from), false};
        examine_part(&view, out);
    }
    look_from(MAX(from, FORMAT_OPENING), out);
    return out->saved[END] <= opening->count;
}

void vmdk_examine_tables(struct view *opening, const struct vmdk_tables *tables,
                         struct format_examination *out)
{
    uint64_t covered, at;
    if (!tables->entries || tables->entries > TABLE_ENTRIES_MAX || !tables->directory ||
        !tables->capacity || __builtin_mul_overflow(tables->grain, tables->entries, &covered) ||
        !covered || __builtin_mul_overflow(tables->directory, SECTOR, &at) || at > INT64_MAX)
        return;
    uint64_t length = ((tables->capacity - 1) / covered + 1) * ENTRY;
    examination_set_need(out, at + length, 1);
    if (length > DIRECTORY_MAX)
        return;
    out->step = DIRECTORY;
    out->saved[TABLE_BYTES] = tables->entries * (uint64_t)ENTRY;
    out->saved[END] = at + length;
    if (!examine_opening(opening, at, out))
        return;
    uint64_t first = begin_tables(out);
    if (first != UINT64_MAX)
        examine_opening(opening, first, out);
}

void vmdk_tables_more(struct view *view, const struct format_look *look,
                      struct format_examination *out)
{
    uint64_t end = look->offset + look->length;
    examine_part(view, out);
    if (end < out->saved[END] || out->step == TABLES) {
        look_from(end, out);
        return;
    }
    uint64_t first = begin_tables(out);
    if (first != UINT64_MAX && first >= end) /* looks never go back */
        look_from(first, out);
}
