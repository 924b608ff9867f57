/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the descriptor of a VMDK, which is lines of text:
 *
 *     # Disk DescriptorFile
 *     parentCID=ffffffff
 *     createType="monolithicSparse"
 *     RW 16384 SPARSE "image.vmdk"
 *
 * It is safe if all data are in the same file as the descriptor: a type with one file, one sparse
 * extent (the file itself, under any name), and no parent. */
#include "format/format_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE_BYTES = 1024, TYPE_LENGTH = 15 };

struct descriptor {
    bool typed;
    int extents;
    char *unsafe;
};

/* The value after "key=", without blanks and quotes. NULL: the line has another key. */
static char *value_of(char *line, const char *key)
{
    static const char around[] = " \t\r\"";
    size_t length = strlen(key);
    if (strncasecmp(line, key, length) != 0)
        return NULL;
    char *value = line + length + strspn(line + length, " \t");
    if (*value != '=')
        return NULL;
    value++;
    value += strspn(value, around);
    for (size_t end = strlen(value); end && strchr(around, value[end - 1]); end--)
        value[end - 1] = '\0';
    return value;
}

static void take_type(struct descriptor *descriptor, const char *type)
{
    descriptor->typed = true;
    if (strcasecmp(type, "monolithicSparse") != 0 && strcasecmp(type, "streamOptimized") != 0)
        format_explain(descriptor->unsafe, "its createType is %s, so its data are in other files",
                       type);
}

/* RW|RDONLY|NOACCESS sectors type "name" offset; name and offset may be missing. */
static bool take_extent(struct descriptor *descriptor, char *line)
{
    char access[TYPE_LENGTH + 1];
    char type[TYPE_LENGTH + 1] = "";
    int end = 0;
    if (sscanf(line, "%15s %*s %15s%n", access, type, &end) < 1 ||
        (strcasecmp(access, "RW") != 0 && strcasecmp(access, "RDONLY") != 0 &&
         strcasecmp(access, "NOACCESS") != 0))
        return false;
    char *name = line + end + strspn(line + end, " \t\"");
    name[strcspn(name, "\"\r")] = '\0';
    descriptor->extents++;
    if (descriptor->extents > 1 || strpbrk(name, "/\\") || strcasecmp(type, "SPARSE") != 0)
        format_explain(descriptor->unsafe, "its descriptor names the extent %s",
                       *name ? name : type);
    return true;
}

static void take_line(struct descriptor *descriptor, char *line)
{
    line += strspn(line, " \t\r");
    const char *parent = value_of(line, "parentCID");
    const char *type = value_of(line, "createType");
    if (take_extent(descriptor, line))
        return;
    if (type)
        take_type(descriptor, type);
    else if (parent && strcasecmp(parent, "ffffffff") != 0)
        format_explain(descriptor->unsafe, "it holds only the differences to a parent image");
}

/* QEMU accepts a parent anywhere in the text, also in comments. */
static void find_parent(const char *text, size_t count, char *unsafe)
{
    static const char hint[] = "parentFileNameHint";
    const char *at = memmem(text, count, hint, sizeof hint - 1);
    if (!at)
        return;
    size_t left = count - (size_t)(at - text);
    const char *line_end = memchr(at, '\n', left);
    format_explain(unsafe, "it has a parent image, %.*s",
                   (int)(line_end ? (size_t)(line_end - at) : left), at);
}

static void take_lines(struct descriptor *descriptor, const char *at, const char *end)
{
    while (at < end) {
        char line[LINE_BYTES];
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);
        if (length >= sizeof line) {
            format_explain(descriptor->unsafe, "its descriptor has a line longer than any is");
            return;
        }
        memcpy(line, at, length);
        line[length] = '\0';
        take_line(descriptor, line);
        at += length + 1;
    }
}

void vmdk_descriptor_examine(const char *text, size_t count, char unsafe[FORMAT_WORDS])
{
    struct descriptor descriptor = {.unsafe = unsafe};
    count = strnlen(text, count);
    if (!count) {
        format_explain(unsafe, "it has no descriptor: it is a part of another image");
        return;
    }
    find_parent(text, count, unsafe);
    take_lines(&descriptor, text, text + count);
    if (!descriptor.typed)
        format_explain(unsafe, "its descriptor has no createType");
    if (!descriptor.extents)
        format_explain(unsafe, "its descriptor names no extent");
}
