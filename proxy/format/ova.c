/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an OVA: a tar with an .ovf before its disks (DMTF DSP0243, section 5.3). Manifest and
 * certificate may come before the .ovf. A tar is a sequence of blocks. An entry is a header block
 * and data blocks (POSIX.1, ustar). A block of zeros ends the tar:
 *
 *      0 name (100)   124 size, octal (12)   148 checksum, octal (8)   156 type   257 "ustar"
 *
 * pax and GNU tar put the name or the size of a file into an extra entry before it. The oldest tars
 * (v7) have no "ustar", and are recognised by the checksum. */
#include "format/format_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BLOCK = 512,
    NAME_LENGTH = 100,
    AT_SIZE = 124,
    SIZE_LENGTH = 12,
    AT_CHECKSUM = 148,
    CHECKSUM_LENGTH = 8,
    AT_TYPE = 156
};
enum { NAME_BYTES = 256, ENTRIES_MAX = 16, LOOKS_MAX = 12 };
enum { NEXT_SIZE, HAS_NEXT_SIZE /* in `saved`: the size that pax gives for the next entry */ };

struct entry {
    char name[NAME_BYTES];
    uint64_t size;
    char type;
};

/* --- a header -------------------------------------------------------------------------- */

static uint64_t octal(const unsigned char *at, size_t length)
{
    uint64_t value = 0;
    while (length && *at == ' ')
        at++, length--;
    for (; length && *at >= '0' && *at <= '7'; at++, length--)
        value = value * 8 + (uint64_t)(*at - '0');
    return value;
}

/* GNU tar writes a size that is too large for the octal digits as a binary number. */
static uint64_t data_size(const unsigned char *head)
{
    uint64_t size = 0;
    if (!(head[AT_SIZE] & 0x80))
        return octal(head + AT_SIZE, SIZE_LENGTH);
    for (int i = SIZE_LENGTH - 8; i < SIZE_LENGTH; i++)
        size = size << 8 | head[AT_SIZE + i];
    return size;
}

static bool checksum_holds(const unsigned char *head)
{
    uint64_t sum = CHECKSUM_LENGTH * ' ';
    for (int i = 0; i < BLOCK; i++)
        if (i < AT_CHECKSUM || i >= AT_CHECKSUM + CHECKSUM_LENGTH)
            sum += head[i];
    return octal(head + AT_CHECKSUM, CHECKSUM_LENGTH) == sum;
}

/* The length of the entry with its header. UINT64_MAX: the size is impossible. */
static uint64_t entry_length(uint64_t size)
{
    return size > INT64_MAX / 2 ? UINT64_MAX : BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* --- entries that describe the next entry ---------------------------------------------- */

static bool describes_next(char type)
{
    return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

/* Reads a record of pax: "LENGTH key=value\n". */
static void read_record(const char *record, struct entry *next, bool *size_given)
{
    static const char path[] = " path=", size[] = " size=";
    const char *at = strchr(record, ' ');
    if (at && !strncmp(at, path, sizeof path - 1))
        snprintf(next->name, sizeof next->name, "%.255s", at + sizeof path - 1);
    if (at && !strncmp(at, size, sizeof size - 1)) {
        next->size = strtoull(at + sizeof size - 1, NULL, 10);
        *size_given = true;
    }
}

static void read_records(const char *at, uint64_t count, struct entry *next, bool *size_given)
{
    const char *end = at + count;
    while (at < end) {
        char record[NAME_BYTES + 32];
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);
        snprintf(record, sizeof record, "%.*s", (int)(length < NAME_BYTES ? length : NAME_BYTES),
                 at);
        read_record(record, next, size_given);
        at += length + 1;
    }
}

static void read_description(const struct view *view, uint64_t at, const struct entry *entry,
                             struct entry *next, bool *size_given)
{
    const char *data = (const char *)view->bytes + at + BLOCK;
    if (!view_has(view, at + BLOCK, entry->size))
        return;
    if (entry->type == 'L')
        snprintf(next->name, sizeof next->name, "%.*s",
                 (int)(entry->size < NAME_BYTES ? entry->size : NAME_BYTES - 1), data);
    else if (entry->type == 'x')
        read_records(data, entry->size, next, size_given);
}

/* --- iteration over the entries -------------------------------------------------------- */

struct walk {
    const struct view *view;
    uint64_t at;
    struct entry entry; /* the current entry */
    bool size_given;    /* an extra entry has given the size of the next entry */
    bool ended;         /* the end of the tar was seen */
};

/* Moves to the next entry. False: the end of the tar, or the next header is not in the view; then
 * `at` is the position of that header. */
static bool walk_next(struct walk *walk)
{
    static const unsigned char zeros[BLOCK];
    struct entry next = {.size = walk->entry.size};
    while (view_has(walk->view, walk->at, BLOCK)) {
        const unsigned char *head = walk->view->bytes + walk->at;
        struct entry *entry = &walk->entry;
        if ((walk->ended = !memcmp(head, zeros, BLOCK)))
            return false;
        entry->type = (char)head[AT_TYPE];
        bool is_description = describes_next(entry->type);
        entry->size = walk->size_given && !is_description ? next.size : data_size(head);
        uint64_t length = entry_length(entry->size);
        if (is_description)
            read_description(walk->view, walk->at, entry, &next, &walk->size_given);
        else
            snprintf(entry->name, sizeof entry->name, "%.*s", next.name[0] ? 255 : NAME_LENGTH,
                     next.name[0] ? next.name : (const char *)head);
        if (length > INT64_MAX - walk->at) {
            walk->ended = true;
            return false;
        }
        walk->at += length;
        if (!is_description) {
            walk->size_given = false;
            return true;
        }
        entry->size = next.size;
    }
    walk->entry.size = next.size;
    return false;
}

/* --- recognition and examination ------------------------------------------------------- */

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length > tail && !strcasecmp(name + length - tail, suffix);
}

bool ova_matches(const struct view *opening)
{
    struct walk walk = {.view = opening};
    for (int i = 0; i < ENTRIES_MAX && walk_next(&walk); i++) {
        const char *name = walk.entry.name;
        if (ends_in(name, ".ovf"))
            return true;
        if (walk.entry.type != '5' && !ends_in(name, ".mf") && !ends_in(name, ".cert"))
            return false;
    }
    return false;
}

bool ova_v7_matches(const struct view *opening)
{
    return view_has(opening, 0, BLOCK) && opening->bytes[0] && checksum_holds(opening->bytes) &&
           ova_matches(opening);
}

/* `from`: position of the view in the body. */
static void need_entries(const struct view *view, uint64_t from, struct format_examination *out)
{
    struct walk walk = {.view = view,
                        .entry.size = out->saved[NEXT_SIZE],
                        .size_given = out->saved[HAS_NEXT_SIZE] != 0};
    while (walk_next(&walk))
        examination_set_need(out, from + walk.at + BLOCK, 1);
    if (walk.ended || walk.at < view->count || ++out->step > LOOKS_MAX)
        return;
    out->saved[NEXT_SIZE] = walk.entry.size;
    out->saved[HAS_NEXT_SIZE] = walk.size_given;
    out->next = (struct format_look){from + walk.at, FORMAT_LOOK_MAX};
}

void ova_examine(struct view *opening, struct format_examination *out)
{
    need_entries(opening, 0, out);
    if (opening->count < FORMAT_OPENING)
        out->next = (struct format_look){0};
}

void ova_examine_more(struct view *view, const struct format_look *look,
                      struct format_examination *out)
{
    need_entries(view, look->offset, out);
    if (view->count < look->length)
        out->next = (struct format_look){0};
}
