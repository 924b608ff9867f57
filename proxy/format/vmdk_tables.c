/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tables of a VMDK, which have the positions of its grains ("Virtual Disk Format 5.0").
 * The grain directory has a number of 4 bytes for each grain table, and a table has one for each
 * grain. Both are little-endian, and in sectors. 0: there is none. 1 in a table: the grain is
 * zeros.
 *
 *     | header | descriptor | copies of these | directory | table | table ... | grains ... |
 *
 * Tables are usually contiguous, because they are created with the file. They are examined in that
 * order, in at most LOOKS_MAX looks, which is enough for a disk of 30 GiB. If they are not
 * contiguous, the file must only contain the tables that the directory names. */
#include "format/format_priv.h"

enum { SECTOR = 512, ENTRY = 4, TABLE_ENTRIES_MAX = 64 * 1024, LOOKS_MAX = 30, NO_GRAIN_MAX = 1 };
enum { DIRECTORY = 1, TABLES };
/* Indices of `saved`. */
enum { TABLE_BYTES, TABLES_END, LOOKS };

/* --- tables ---------------------------------------------------------------------------- */

static void examine_tables(struct view *view, struct format_examination *out)
{
    for (uint64_t at = 0; view_has(view, at, ENTRY); at += ENTRY) {
        uint32_t grain = view_le32(view, at);
        if (grain > NO_GRAIN_MAX)
            words_need(out, (uint64_t)grain * SECTOR + 1, 1);
    }
}

static void look_for_tables(uint64_t from, struct format_examination *out)
{
    uint64_t left = from < out->saved[TABLES_END] ? out->saved[TABLES_END] - from : 0;
    if (!left || out->saved[LOOKS]++ == LOOKS_MAX)
        return;
    out->step = TABLES;
    out->next = (struct format_look){from, left < FORMAT_LOOK_MAX ? (size_t)left : FORMAT_LOOK_MAX};
}

/* Tables after the opening are examined in further looks. */
static void examine_tables_in_opening(const struct view *opening, uint64_t from,
                                      struct format_examination *out)
{
    uint64_t end =
        out->saved[TABLES_END] < opening->count ? out->saved[TABLES_END] : opening->count;
    if (from >= end)
        return;
    struct view view = {opening->bytes + from, (size_t)(end - from), false};
    examine_tables(&view, out);
}

/* --- the directory --------------------------------------------------------------------- */

struct extent {
    uint64_t first, last; /* sectors of the tables */
    uint64_t count;
};

static struct extent read_directory(struct view *view)
{
    struct extent tables = {.first = UINT64_MAX};
    for (uint64_t at = 0; view_has(view, at, ENTRY); at += ENTRY) {
        uint64_t sector = view_le32(view, at);
        if (!sector)
            continue;
        tables.first = sector < tables.first ? sector : tables.first;
        tables.last = sector > tables.last ? sector : tables.last;
        tables.count++;
    }
    return tables;
}

/* The offset of the first table. UINT64_MAX: the tables are not contiguous, or there are none. */
static uint64_t examine_directory(struct view *view, struct format_examination *out)
{
    struct extent tables = read_directory(view);
    uint64_t bytes = out->saved[TABLE_BYTES];
    if (!tables.count)
        return UINT64_MAX;
    out->saved[TABLES_END] = tables.last * SECTOR + bytes;
    words_need(out, out->saved[TABLES_END], 1);
    bool contiguous =
        bytes % SECTOR == 0 && tables.last - tables.first == (tables.count - 1) * (bytes / SECTOR);
    return contiguous ? tables.first * SECTOR : UINT64_MAX;
}

static void directory_in_opening(struct view *opening, uint64_t at, size_t length,
                                 struct format_examination *out)
{
    struct view view = {opening->bytes + at, length, false};
    uint64_t from = examine_directory(&view, out);
    if (from == UINT64_MAX)
        return;
    examine_tables_in_opening(opening, from, out);
    look_for_tables(from < FORMAT_OPENING ? FORMAT_OPENING : from, out);
}

/* Tables before the end of the directory are skipped, because looks never go back. */
static void directory_in_look(struct view *view, const struct format_look *look,
                              struct format_examination *out)
{
    uint64_t from = examine_directory(view, out);
    if (from >= look->offset + look->length)
        look_for_tables(from, out);
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
    words_need(out, at + length, 1);
    out->saved[TABLE_BYTES] = tables->entries * (uint64_t)ENTRY;
    if (length > FORMAT_LOOK_MAX)
        return;
    if (view_has(opening, at, length)) {
        directory_in_opening(opening, at, (size_t)length, out);
    } else if (at >= FORMAT_OPENING) {
        out->step = DIRECTORY;
        out->next = (struct format_look){at, (size_t)length};
    }
}

void vmdk_tables_more(struct view *view, const struct format_look *look,
                      struct format_examination *out)
{
    if (out->step == DIRECTORY) {
        directory_in_look(view, look, out);
    } else {
        examine_tables(view, out);
        look_for_tables(look->offset + look->length, out);
    }
}
