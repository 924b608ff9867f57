/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the fields of tus. A field that is there twice is refused: it has no clear value. */
#include "intake/tus.h"

#include "intake/headers.h"
#include "intake/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char VERSION_FIELD[] = "Tus-Resumable";
static const char PART_TYPE[] = "application/offset+octet-stream";

bool tus_spoken(const struct headers *headers)
{
    return headers_count(headers, VERSION_FIELD) > 0;
}

const char *tus_method(const char *method, const struct headers *headers)
{
    const char *other = headers_get(headers, "X-HTTP-Method-Override");
    bool counts = other && strcmp(method, "POST") == 0 && tus_spoken(headers);
    return counts ? other : method;
}

enum refusal tus_check_version(const struct headers *headers)
{
    const char *version = headers_get(headers, VERSION_FIELD);
    bool good = headers_count(headers, VERSION_FIELD) == 1 && strcmp(version, TUS_VERSION) == 0;
    return good ? REFUSAL_NONE : REFUSAL_TUS_VERSION;
}

/* Digits only, up to 2^63-1. */
static bool read_number(const struct headers *headers, const char *name, uint64_t *out)
{
    char *end = NULL;
    const char *text = headers_get(headers, name);
    if (headers_count(headers, name) != 1 || *text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || value > INT64_MAX)
        return false;
    *out = value;
    return true;
}

static bool is_part_type(const struct headers *headers)
{
    const char *type = headers_get(headers, "Content-Type");
    return headers_count(headers, "Content-Type") == 1 && strcasecmp(type, PART_TYPE) == 0;
}

static enum refusal check_body(const struct headers *headers, const struct framing_facts *framing,
                               const char **detail)
{
    if (!is_part_type(headers)) {
        *detail = "with tus its Content-Type is application/offset+octet-stream";
        return REFUSAL_UNSUPPORTED_CONTENT_TYPE;
    }
    if (framing->framing == FRAMING_CHUNKED) {
        *detail = "a part of it has a Content-Length";
        return REFUSAL_LENGTH_REQUIRED;
    }
    return REFUSAL_NONE;
}

enum refusal tus_read_part(const struct headers *headers, const struct framing_facts *framing,
                           struct tus_part *out, const char **detail)
{
    enum refusal reason = check_body(headers, framing, detail);
    if (reason)
        return reason;
    if (!read_number(headers, "Upload-Offset", &out->offset)) {
        *detail = "its Upload-Offset is not one number of bytes";
        return REFUSAL_BAD_REQUEST;
    }
    out->count = framing->length;
    return REFUSAL_NONE;
}

static enum refusal read_length(const struct headers *headers, uint64_t *length,
                                const char **detail)
{
    if (headers_count(headers, "Upload-Defer-Length")) {
        *detail = "Upload-Defer-Length is not supported: send Upload-Length with the creation";
        return REFUSAL_LENGTH_REQUIRED;
    }
    if (!headers_count(headers, "Upload-Length")) {
        *detail = "a creation has Upload-Length";
        return REFUSAL_LENGTH_REQUIRED;
    }
    if (read_number(headers, "Upload-Length", length))
        return REFUSAL_NONE;
    *detail = "its Upload-Length is not one number of bytes";
    return REFUSAL_BAD_REQUEST;
}

enum refusal tus_read_creation(const struct headers *headers, const struct framing_facts *framing,
                               uint64_t *length, const char **detail)
{
    enum refusal reason = read_length(headers, length, detail);
    bool has_body = framing->framing == FRAMING_CHUNKED || framing->length > 0;
    if (!reason && has_body)
        reason = check_body(headers, framing, detail);
    if (!reason && framing->length > *length) {
        *detail = "it brings more bytes than its Upload-Length";
        return REFUSAL_SIZE_MISMATCH;
    }
    return reason;
}
