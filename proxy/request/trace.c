/* SPDX-License-Identifier: Apache-2.0 */
/* The trace that a request belongs to (W3C Trace Context 1, section 3.2):
 *
 *     traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *                  version, trace id, parent id, flags: hexadecimal, lower case */
#include "intake/request.h"

#include <string.h>

enum { VERSION_1_LENGTH = 55, TRACE_ID_AT = 3, PARENT_AT = 36, PARENT_LENGTH = 16, FLAGS_AT = 53 };

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static bool is_zero(const char *text, size_t length)
{
    return strspn(text, "0") >= length;
}

/* A later version may have more fields behind those of version 00. */
static bool is_length_valid(const char *value)
{
    size_t length = strlen(value);
    bool later = strncmp(value, "00", 2) != 0;
    return length == VERSION_1_LENGTH ||
           (later && length > VERSION_1_LENGTH && value[VERSION_1_LENGTH] == '-');
}

static bool is_valid(const char *value)
{
    return is_length_valid(value) && is_hex(value, 2) && strncmp(value, "ff", 2) != 0 &&
           value[TRACE_ID_AT - 1] == '-' && is_hex(value + TRACE_ID_AT, TRACE_ID_LENGTH) &&
           value[PARENT_AT - 1] == '-' && is_hex(value + PARENT_AT, PARENT_LENGTH) &&
           value[FLAGS_AT - 1] == '-' && is_hex(value + FLAGS_AT, 2) &&
           !is_zero(value + TRACE_ID_AT, TRACE_ID_LENGTH) &&
           !is_zero(value + PARENT_AT, PARENT_LENGTH);
}

bool trace_id_find(const struct headers *headers, char out[TRACE_ID_LENGTH + 1])
{
    *out = '\0';
    const char *value = headers_get(headers, "Traceparent");
    if (!value || headers_count(headers, "Traceparent") != 1 || !is_valid(value))
        return false;
    memcpy(out, value + TRACE_ID_AT, TRACE_ID_LENGTH);
    out[TRACE_ID_LENGTH] = '\0';
    return true;
}
