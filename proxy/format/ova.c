/* SPDX-License-Identifier: Apache-2.0 */
/* An OVA: a tar with an .ovf in front of its disks (DMTF DSP0243, section 5.3); manifest and
 * certificate may stand in front of that. A tar is a run of blocks; an entry is one with its head,
 * then its data (POSIX.1, ustar), and a block of zeros ends them:
 *
 *      0 name (100)   124 size, octal (12)   148 checksum, octal (8)   156 type   257 "ustar"
 *
 * What pax and GNU tar say beforehand of the file that follows, its name or its size, is an entry,
 * too. The oldest tars (v7) have no "ustar": of them the checksum tells. */
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
enum { NAME_ROOM = 256, ENTRIES_MAX = 16, LOOKS_MAX = 12 };
enum { NEXT_SIZE, HAS_NEXT_SIZE /* what is kept: a size that pax says of the next entry */ };

struct entry {
    char name[NAME_ROOM];
    uint64_t size;
    char type;
};

/* --- a head ---------------------------------------------------------------------------- */

static uint64_t octal(const unsigned char *at, size_t length)
{
    uint64_t value = 0;
    while (length && *at == ' ')
        at++, length--;
    for (; length && *at >= '0' && *at <= '7'; at++, length--)
        value = value * 8 + (uint64_t)(*at - '0');
    return value;
}

/* More than octal digits can say: GNU tar's binary number. */
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

/* To the next entry; UINT64_MAX where there can be none. */
static uint64_t entry_length(uint64_t size)
{
    return size > INT64_MAX / 2 ? UINT64_MAX : BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* --- what is said of the next entry ---------------------------------------------------- */

static bool says_of_the_next(char type)
{
    return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

/* A record of pax: "LENGTH key=value\n". */
static void take_record(const char *record, struct entry *next, bool *sized)
{
    static const char path[] = " path=", size[] = " size=";
    const char *at = strchr(record, ' ');
    if (at && !strncmp(at, path, sizeof path - 1))
        snprintf(next->name, sizeof next->name, "%.255s", at + sizeof path - 1);
    if (at && !strncmp(at, size, sizeof size - 1)) {
        next->size = strtoull(at + sizeof size - 1, NULL, 10);
        *sized = true;
    }
}

static void take_records(const char *at, uint64_t count, struct entry *next, bool *sized)
{
    const char *end = at + count;
    while (at < end) {
        char record[NAME_ROOM + 32];
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);
        snprintf(record, sizeof record, "%.*s", (int)(length < NAME_ROOM ? length : NAME_ROOM), at);
        take_record(record, next, sized);
        at += length + 1;
    }
}

static void hear_of_the_next(const struct view *view, uint64_t at, const struct entry *entry,
                             struct entry *next, bool *sized)
{
    const char *data = (const char *)view->bytes + at + BLOCK;
    if (!view_has(view, at + BLOCK, entry->size))
        return;
    if (entry->type == 'L')
        snprintf(next->name, sizeof next->name, "%.*s",
                 (int)(entry->size < NAME_ROOM ? entry->size : NAME_ROOM - 1), data);
    else if (entry->type == 'x')
        take_records(data, entry->size, next, sized);
}

/* --- one entry after the other --------------------------------------------------------- */

struct walk {
    const struct view *view;
    uint64_t at;
    struct entry entry; /* the last one that was stepped on */
    bool sized;         /* the next one's size was said beforehand */
    bool over;          /* its end was seen */
};

/* False: the end, or no more of it in view. `at` is then that of the first that is not. */
static bool walk_on(struct walk *walk)
{
    static const unsigned char zeros[BLOCK];
    struct entry next = {.size = walk->entry.size};
    while (view_has(walk->view, walk->at, BLOCK)) {
        const unsigned char *head = walk->view->bytes + walk->at;
        struct entry *entry = &walk->entry;
        if ((walk->over = !memcmp(head, zeros, BLOCK)))
            return false;
        entry->type = (char)head[AT_TYPE];
        bool said = says_of_the_next(entry->type);
        entry->size = walk->sized && !said ? next.size : data_size(head);
        uint64_t length = entry_length(entry->size);
        if (said)
            hear_of_the_next(walk->view, walk->at, entry, &next, &walk->sized);
        else
            snprintf(entry->name, sizeof entry->name, "%.*s", next.name[0] ? 255 : NAME_LENGTH,
                     next.name[0] ? next.name : (const char *)head);
        if (length > INT64_MAX - walk->at) {
            walk->over = true;
            return false;
        }
        walk->at += length;
        if (!said) {
            walk->sized = false;
            return true;
        }
        entry->size = next.size;
    }
    walk->entry.size = next.size;
    return false;
}

/* --- what is seen ---------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length > tail && !strcasecmp(name + length - tail, suffix);
}

bool ova_holds(const struct view *opening)
{
    struct walk walk = {.view = opening};
    for (int i = 0; i < ENTRIES_MAX && walk_on(&walk); i++) {
        const char *name = walk.entry.name;
        if (ends_in(name, ".ovf"))
            return true;
        if (walk.entry.type != '5' && !ends_in(name, ".mf") && !ends_in(name, ".cert"))
            return false;
    }
    return false;
}

bool ova_v7_holds(const struct view *opening)
{
    return view_has(opening, 0, BLOCK) && opening->bytes[0] && checksum_holds(opening->bytes) &&
           ova_holds(opening);
}

/* `from`: where the view begins. */
static void need_entries(const struct view *view, uint64_t from, struct format_examination *out)
{
    struct walk walk = {
        .view = view, .entry.size = out->kept[NEXT_SIZE], .sized = out->kept[HAS_NEXT_SIZE] != 0};
    while (walk_on(&walk))
        words_need(out, from + walk.at + BLOCK, 1);
    if (walk.over || walk.at < view->count || ++out->step > LOOKS_MAX)
        return;
    out->kept[NEXT_SIZE] = walk.entry.size;
    out->kept[HAS_NEXT_SIZE] = walk.sized;
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
