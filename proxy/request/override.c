/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, by which Glance finds what a request is for, lets a field "_method" of the query
 * override the method: POST /v2/images/{id}/file?_method=PUT is an upload, and so is GET. The last
 * such field counts, fields end at '&' or ';', names and values are unquoted, and case does not
 * matter. Reading every such field is as good: only whether one of them says PUT is asked. */
#include "request_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char NAME[] = "_method";

/* Whether `text`, unquoted, is `wanted`. */
static bool unquoted_is(const char *text, size_t length, const char *wanted)
{
    const char *end = text + length;
    for (; text < end && *wanted; wanted++) {
        int byte = percent_decoded(text);
        text += byte < 0 ? 1 : 3;
        char c = text[-1];
        if (byte >= 0)
            c = (char)byte;
        if (strncasecmp(&c, wanted, 1) != 0)
            return false;
    }
    return text == end && !*wanted;
}

struct field {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

/* The field at `*at`, which moves behind it and what ends it. */
static struct field field_next(const char **at)
{
    const char *name = *at;
    size_t length = strcspn(name, "&;");
    const char *equals = memchr(name, '=', length);
    struct field field = {name, equals ? (size_t)(equals - name) : length, name + length, 0};
    if (equals) {
        field.value = equals + 1;
        field.value_length = length - field.name_length - 1;
    }
    *at = name + length + (name[length] != '\0');
    return field;
}

static bool overrides(const struct field *field)
{
    return unquoted_is(field->name, field->name_length, NAME);
}

bool override_is_put(const char *query)
{
    for (const char *at = query; at && *at;) {
        struct field field = field_next(&at);
        if (overrides(&field) && unquoted_is(field.value, field.value_length, "PUT"))
            return true;
    }
    return false;
}

char *override_removed(const char *query)
{
    char *kept = malloc(strlen(query) + 1);
    if (!kept)
        return NULL;
    size_t length = 0;
    for (const char *at = query; *at;) {
        struct field field = field_next(&at);
        if (overrides(&field))
            continue;
        memcpy(kept + length, field.name, (size_t)(at - field.name));
        length += (size_t)(at - field.name);
    }
    kept[length] = '\0';
    return kept;
}
