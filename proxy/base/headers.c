/* SPDX-License-Identifier: Apache-2.0 */
/* An ordered list of header fields. */
#include "intake/headers.h"

#include "intake/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int folded(char c)
{
    return c == '_' ? '-' : tolower((unsigned char)c);
}

bool header_name_is(const char *name, const char *wanted)
{
    while (*name && folded(*name) == folded(*wanted)) {
        name++;
        wanted++;
    }
    return !*name && !*wanted;
}

static bool grow(struct headers *headers)
{
    if (headers->count < headers->cap)
        return true;
    size_t cap = headers->cap ? headers->cap * 2 : 16;
    struct header *rows = reallocarray(headers->rows, cap, sizeof *rows);
    if (!rows)
        return false;
    headers->rows = rows;
    headers->cap = cap;
    return true;
}

/* One allocation, owned by `name`, holds both strings. */
static bool row_make(struct header *row, const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1;
    size_t value_size = strlen(value) + 1;
    row->name = malloc(name_size + value_size);
    if (!row->name)
        return false;
    row->value = row->name + name_size;
    memcpy(row->name, name, name_size);
    memcpy(row->value, value, value_size);
    return true;
}

bool headers_add(struct headers *headers, const char *name, const char *value)
{
    if (!grow(headers) || !row_make(&headers->rows[headers->count], name, value))
        return false;
    headers->count++;
    return true;
}

const char *headers_get(const struct headers *headers, const char *name)
{
    headers_each(row, headers)
        if (header_name_is(row->name, name))
            return row->value;
    return NULL;
}

size_t headers_count(const struct headers *headers, const char *name)
{
    size_t count = 0;
    headers_each(row, headers)
        count += header_name_is(row->name, name);
    return count;
}

size_t headers_remove(struct headers *headers, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < headers->count; i++) {
        if (header_name_is(headers->rows[i].name, name))
            secret_free(headers->rows[i].name);
        else
            headers->rows[kept++] = headers->rows[i];
    }
    size_t removed = headers->count - kept;
    headers->count = kept;
    return removed;
}

bool headers_set(struct headers *headers, const char *name, const char *value)
{
    headers_remove(headers, name);
    return headers_add(headers, name, value);
}

void headers_free(struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        secret_free(headers->rows[i].name);
    free(headers->rows);
    *headers = (struct headers){0};
}
