/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the fields of a form that come before its file. The form was scanned before (multipart.c),
 * so that its beginning is well-formed up to the file; here it is a single block. */
#include "intake/form_fields.h"

#include "body/multipart.h"
#include "body/multipart_head.h"
#include "intake/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ENDS[] = "the form ends before its file";

struct block {
    const char *at, *end;
};

static size_t left(const struct block *block)
{
    return (size_t)(block->end - block->at);
}

/* Moves to after the text. Returns where it begins; NULL: it is not there. */
static const char *skip_past(struct block *block, const char *text)
{
    size_t length = strlen(text);
    const char *found = memmem(block->at, left(block), text, length);
    if (found)
        block->at = found + length;
    return found;
}

static const char *tell_field(const struct form_visitor *visitor, const char *name,
                              const char *bytes, size_t count)
{
    if (count > FORM_VALUE_MAX)
        return "a field of the form is too long";
    if (memchr(bytes, '\0', count))
        return "a field of the form has a NUL character";
    char *value = strndup(bytes, count);
    const char *fault = value ? visitor->field(visitor->context, name, value) : NO_MEMORY;
    free(value);
    return fault;
}

/* Reads one part, after its delimiter. `*file`: it was the file. */
static const char *read_part(struct block *block, const char *delimiter,
                             const struct form_visitor *visitor, bool *file)
{
    struct multipart_head head;
    if (!skip_past(block, "\r\n"))
        return ENDS;
    const char *begin = block->at;
    const char *end = skip_past(block, "\r\n\r\n");
    const char *fault = end ? multipart_head_read(begin, (size_t)(end + 2 - begin), &head) : ENDS;
    if (fault)
        return fault;
    *file = head.file;
    if (head.file)
        return visitor->file(visitor->context, head.sent_filename);
    begin = block->at;
    end = skip_past(block, delimiter);
    return end ? tell_field(visitor, head.name, begin, (size_t)(end - begin)) : ENDS;
}

const char *form_fields_read(const char *type, const char *bytes, size_t count,
                             const struct form_visitor *visitor)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    char delimiter[MULTIPART_BOUNDARY_MAX + sizeof "\r\n--"];
    struct block block = {bytes, bytes + count};
    const char *fault = NULL;
    bool file = false;
    if (!type || !multipart_boundary(type, boundary))
        return "its Content-Type has no valid boundary";
    snprintf(delimiter, sizeof delimiter, "\r\n--%s", boundary);
    bool begins =
        count >= strlen(delimiter) - 2 && memcmp(bytes, delimiter + 2, strlen(delimiter) - 2) == 0;
    if (begins)
        block.at += strlen(delimiter) - 2;
    else if (!skip_past(&block, delimiter)) /* after a preamble */
        return ENDS;
    while (!fault && !file)
        fault = read_part(&block, delimiter, visitor, &file);
    return fault;
}
