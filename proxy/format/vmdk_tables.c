/* SPDX-License-Identifier: Apache-2.0 */
/* Where the grains of a VMDK lie, after "Virtual Disk Format 5.0": the grain directory has a number
 * of 4 bytes for each grain table, and a table one for each of its grains, both little-endian and
 * in sectors; 0: there is none, and 1 in a table: the grain is zeros.
 *
 *     | header | descriptor | copies of these | directory | table | table ... | grains ... |
 *
 * Tables lie one behind the other, since they are made with the file. They are looked at in that
 * order, up to LOOKS_MAX, which is enough for a disk of 30 GiB; where they do not, only what the
 * directory says is asked for. */
#include "format/format_priv.h"

enum { SECTOR = 512, ENTRY = 4, TABLE_ENTRIES_MAX = 64 * 1024, LOOKS_MAX = 30, NO_GRAIN_MAX = 1 };
enum { DIRECTORY = 1, TABLES };
/* What `kept` holds. */
enum { TABLE_BYTES, TABLES_END, LOOKS };

/* --- tables ------------------------------------------------------------------------------ */

static void examine_tables(struct view *view, struct format_examination *out)
{
    for (uint64_t at = 0; view_has(view, at, ENTRY); at += ENTRY) {
        uint32_t grain = view_le32(view, at);
        if (grain > NO_GRAIN_MAX)
            words_need(out, (uint64_t)grain * SECTOR + 1, 1);
    }
}

static void look_on(uint64_t from, struct format_examination *out)
{
    uint64_t rest = from < out->kept[TABLES_END] ? out->kept[TABLES_END] - from : 0;
    if (!rest || out->kept[LOOKS]++ == LOOKS_MAX)
        return;
    out->step = TABLES;
    out->next = (struct format_look){from, rest < FORMAT_LOOK_MAX ? (size_t)rest : FORMAT_LOOK_MAX};
}

/* The rest follows in looks. */
static void see_in_opening(const struct view *opening, uint64_t from,
                           struct format_examination *out)
{
    uint64_t end = out->kept[TABLES_END] < opening->count ? out->kept[TABLES_END] : opening->count;
    if (from >= end)
        return;
    struct view view = {opening->bytes + from, (size_t)(end - from), false};
    examine_tables(&view, out);
}

/* --- the directory ----------------------------------------------------------------------- */

struct extent {
    uint64_t first, last; /* the tables' sectors */
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

/* Where the first table begins; UINT64_MAX: they are not one behind the other, or there is none. */
static uint64_t examine_directory(struct view *view, struct format_examination *out)
{
    struct extent tables = read_directory(view);
    uint64_t bytes = out->kept[TABLE_BYTES];
    if (!tables.count)
        return UINT64_MAX;
    out->kept[TABLES_END] = tables.last * SECTOR + bytes;
    words_need(out, out->kept[TABLES_END], 1);
    bool in_a_row =
        bytes % SECTOR == 0 && tables.last - tables.first == (tables.count - 1) * (bytes / SECTOR);
    return in_a_row ? tables.first * SECTOR : UINT64_MAX;
}

static void directory_in_opening(struct view *opening, uint64_t at, size_t length,
                                 struct format_examination *out)
{
    struct view view = {opening->bytes + at, length, false};
    uint64_t from = examine_directory(&view, out);
    if (from == UINT64_MAX)
        return;
    see_in_opening(opening, from, out);
    look_on(from < FORMAT_OPENING ? FORMAT_OPENING : from, out);
}

/* A look never goes back. */
static void directory_in_look(struct view *view, const struct format_look *look,
                              struct format_examination *out)
{
    uint64_t from = examine_directory(view, out);
    if (from >= look->offset + look->length)
        look_on(from, out);
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
    out->kept[TABLE_BYTES] = tables->entries * (uint64_t)ENTRY;
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
        look_on(look->offset + look->length, out);
    }
}
