/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a method override in a query. Routes, the URL router of Glance, lets a field "_method" of
 * the query override the method: GET /v2/images/{id}/file?_method=PUT is an upload. Fields end at
 * '&' or
 * ';', and their names are percent-decoded. */
#include "request/request_priv.h"

#include <string.h>
#include <strings.h>

static const char NAME[] = "_method";

/* Whether `text`, percent-decoded, equals `wanted` without case. */
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

bool override_named(const char *query)
{
    for (const char *at = query; at && *at;) {
        size_t length = strcspn(at, "&;");
        if (unquoted_is(at, strcspn(at, "=&;"), NAME))
            return true;
        at += length + (at[length] != '\0');
    }
    return false;
}
