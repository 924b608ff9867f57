/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the descriptor of a VMDK as Glance does (VMDKInspector.check_descriptor in
 * oslo_utils/imageutils/format_inspector.py). Glance requires a descriptor in ASCII immediately
 * after the header, with one of two types, and only lines of these forms:
 *
 *     # a comment                    ddb.anything
 *     key=value                      with no blank before the "="
 *     rw 16384 sparse "image.vmdk"   an extent: at least one, without a "/" */
#include "format/format_priv.h"

#include <string.h>
#include <strings.h>

enum { SECTOR = 512, AT_VERSION = 4, AT_DESCRIPTOR = 28, AT_DESCRIPTOR_LENGTH = 36 };
enum { VERSION_MAX = 3, TYPE_MAX = 64, LINE_SHOWN = 40 };

#define MAKE_A_COPY                                                                                \
    "convert it with qemu-img convert -O vmdk -o subformat=streamOptimized FILE COPY"

struct text {
    const char *at;
    size_t count;
};

/* Removes the white space around the text. */
static struct text strip(struct text text)
{
    while (text.count && strchr(" \t\r\v\f", text.at[0]))
        text.at++, text.count--;
    while (text.count && strchr(" \t\r\v\f", text.at[text.count - 1]))
        text.count--;
    return text;
}

static bool begins(struct text text, const char *word)
{
    return text.count >= strlen(word) && !strncasecmp(text.at, word, strlen(word));
}

static bool is_extent(struct text line)
{
    static const char *const access[] = {"rw", "rdonly", "noaccess"};
    const char *blank = memchr(line.at, ' ', line.count);
    struct text word = {line.at, blank ? (size_t)(blank - line.at) : line.count};
    for (size_t i = 0; i < sizeof access / sizeof *access; i++)
        if (word.count == strlen(access[i]) && begins(word, access[i]))
            return true;
    return false;
}

static bool is_key(struct text line)
{
    const char *equals = memchr(line.at, '=', line.count);
    return equals && !memchr(line.at, ' ', (size_t)(equals - line.at));
}

static void check_line(struct text line, int *extents, char *why)
{
    line = strip(line);
    if (!line.count || *line.at == '#' || begins(line, "ddb") || is_key(line))
        return;
    int shown = line.count < LINE_SHOWN ? (int)line.count : LINE_SHOWN;
    if (!is_extent(line))
        format_explain(why, "Glance does not take the line '%.*s' of its descriptor: " MAKE_A_COPY,
                       shown, line.at);
    else if (memchr(line.at, '/', line.count))
        format_explain(why, "Glance does not take the extent '%.*s': " MAKE_A_COPY, shown, line.at);
    else
        ++*extents;
}

static void check_lines(struct text text, char *why)
{
    int extents = 0;
    while (text.count) {
        const char *end = memchr(text.at, '\n', text.count);
        size_t length = end ? (size_t)(end - text.at) : text.count;
        check_line((struct text){text.at, length}, &extents, why);
        length += end ? 1 : 0;
        text.at += length;
        text.count -= length;
    }
    if (!extents)
        format_explain(why, "Glance sees no extent in its descriptor: " MAKE_A_COPY);
}

/* The first createType anywhere in the text counts. */
static void check_type(struct text text, char *why)
{
    static const char key[] = "createtype=\"";
    static const char *const taken[] = {"monolithicSparse\"", "streamOptimized\""};
    while (text.count && !begins(text, key))
        text.at++, text.count--;
    struct text type = {text.at + (text.count ? sizeof key - 1 : 0),
                        text.count ? text.count - (sizeof key - 1) : 0};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (begins(type, taken[i]))
            return;
    size_t shown = type.count < TYPE_MAX ? type.count : TYPE_MAX;
    const char *end = memchr(type.at, '"', shown);
    format_explain(why, "Glance does not take its createType '%.*s': " MAKE_A_COPY,
                   end ? (int)(end - type.at) : 0, type.at);
}

static bool is_ascii(struct text text)
{
    for (size_t i = 0; i < text.count; i++)
        if ((unsigned char)text.at[i] > 0x7F)
            return false;
    return true;
}

/* The part of the descriptor that is in the opening. Later bytes are not checked. */
static struct text descriptor_of(struct view *opening)
{
    uint64_t length = view_le64(opening, AT_DESCRIPTOR_LENGTH);
    size_t room = opening->count > SECTOR ? opening->count - SECTOR : 0;
    struct text text = {(const char *)opening->bytes + SECTOR, room};
    if (length < room / SECTOR)
        text.count = (size_t)length * SECTOR;
    text.count = strnlen(text.at, text.count);
    return text;
}

bool glance_accepts_descriptor(const struct view *opening, char *why)
{
    struct view view = *opening;
    uint32_t version = view_le32(&view, AT_VERSION);
    if (!version || version > VERSION_MAX || view_le64(&view, AT_DESCRIPTOR) != 1) {
        format_explain(why, "Glance sees no descriptor behind its header: " MAKE_A_COPY);
        return false;
    }
    struct text text = descriptor_of(&view);
    if (!text.count || !is_ascii(text)) {
        format_explain(why, "Glance cannot read its descriptor: " MAKE_A_COPY);
        return false;
    }
    check_type(text, why);
    check_lines(text, why);
    return !*why;
}
