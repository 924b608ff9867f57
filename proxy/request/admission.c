/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the head of an upload: ranges, codings, type, length and the promised size. */
#include "intake/admission.h"
#include "intake/draft.h"
#include "intake/record.h"
#include "intake/request.h"
#include "intake/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char OCTET_STREAM[] = "application/octet-stream";
static const char SIZE_HEADER[] = "X-Openstack-Image-Size";

/* The input of all checks, and their result. */
struct admission_check {
    const struct settings *settings;
    const struct headers *headers;
    const struct framing_facts *framing;
    struct admission *out;
};

static void report_violation(const struct admission_check *check, enum refusal reason,
                             const char *format, ...) __attribute__((format(printf, 3, 4)));

static void report_violation(const struct admission_check *check, enum refusal reason,
                             const char *format, ...)
{
    struct admission *out = check->out;
    if (out->count == ADMISSION_VIOLATIONS_MAX)
        return;
    struct admission_violation *violation = &out->violations[out->count++];
    violation->reason = reason;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(violation->detail, sizeof violation->detail, format, arguments);
    va_end(arguments);
}

/* --- fields that Glance ignores but should not ----------------------------------------- */

static bool is_coded(const struct headers *headers)
{
    const char *coding = headers_get(headers, "Content-Encoding");
    return headers_count(headers, "Content-Encoding") > 1 ||
           (coding && coding[0] && strcasecmp(coding, "identity") != 0);
}

static void check_coding(const struct admission_check *check)
{
    if (headers_count(check->headers, "Content-Range"))
        report_violation(check, REFUSAL_CONTENT_RANGE, "%s", "");
    else if (draft_completeness(check->headers) == DRAFT_INCOMPLETE)
        report_violation(check, REFUSAL_CONTENT_RANGE, "its Upload-Complete is ?0");
    if (is_coded(check->headers))
        report_violation(check, REFUSAL_CONTENT_ENCODING, "%s", "");
}

/* --- the type -------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

/* As Glance compares: the type in lower case, with any parameters. */
static bool glance_takes(const char *type)
{
    if (!type)
        return false;
    size_t length = strcspn(type, "; \t");
    return length == strlen(OCTET_STREAM) && strncmp(type, OCTET_STREAM, length) == 0;
}

/* NULL: the type is correct, or will be corrected. */
static const char *type_fault(const struct admission_check *check, const char *type)
{
    bool once = headers_count(check->headers, "Content-Type") == 1; /* Glance joins several */
    if (type && begins_with(type, "multipart/")) {
        if (!begins_with(type, "multipart/form-data"))
            return "only a form (multipart/form-data) can be unwrapped";
        return check->settings->upload.unwrap_multipart ? NULL : "it is a form";
    }
    if (check->settings->upload.fix_content_type || (once && glance_takes(type)))
        return NULL;
    return type ? "its Content-Type is not application/octet-stream" : "it has no Content-Type";
}

static void check_type(const struct admission_check *check)
{
    struct admission *out = check->out;
    const char *type = headers_get(check->headers, "Content-Type");
    const char *fault = type_fault(check, type);
    if (fault) {
        report_violation(check, REFUSAL_UNSUPPORTED_CONTENT_TYPE, "%s", fault);
        return;
    }
    out->declared_form = type && begins_with(type, "multipart/");
    if (out->declared_form)
        out->fixes |= FIX_MULTIPART;
    if (headers_count(check->headers, "Content-Type") != 1 || strcmp(type, OCTET_STREAM) != 0)
        out->fixes |= FIX_CONTENT_TYPE;
}

/* --- the length ------------------------------------------------------------------------ */

/* Reads x-openstack-image-size, which newer glanceclients send and Glance 2025.2 enforces. */
static bool read_number(const struct admission_check *check, const char *text, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *number = value;
    return headers_count(check->headers, SIZE_HEADER) == 1 && *text >= '0' && *text <= '9' &&
           !*end && !errno && value <= INT64_MAX;
}

static bool is_chunked(const struct admission_check *check)
{
    return check->framing->framing == FRAMING_CHUNKED;
}

/* Whether Content-Length is the size of the image. */
static bool is_plain(const struct admission_check *check)
{
    return !is_chunked(check) && !check->out->declared_form;
}

/* The promised size may be that of the image in compressed data: decompress.c compares it then. */
static void check_promised_size(const struct admission_check *check)
{
    struct admission *out = check->out;
    const char *text = headers_get(check->headers, SIZE_HEADER);
    if (!text)
        return;
    if (!read_number(check, text, &out->promise)) {
        report_violation(check, REFUSAL_BAD_REQUEST,
                         "x-openstack-image-size is not a number of bytes");
        return;
    }
    out->promised = true;
    uint64_t length = check->framing->length;
    bool decompresses = check->settings->upload.checks.compressed == CHECK_DECOMPRESS;
    if (is_plain(check) && length != out->promise && !decompresses)
        report_violation(check, REFUSAL_SIZE_MISMATCH,
                         "x-openstack-image-size is %" PRIu64 ", and Content-Length is %" PRIu64,
                         out->promise, length);
    else if (out->promise == 0)
        out->empty = true;
}

static void check_length(const struct admission_check *check)
{
    struct admission *out = check->out;
    bool chunked = is_chunked(check);
    out->empty = !chunked && check->framing->length == 0;
    check_promised_size(check);
    out->size_known = out->promised || is_plain(check);
    out->size = is_plain(check) ? check->framing->length : out->promise;
    out->no_length = chunked && !out->promised;
    out->size_comes = !chunked && out->declared_form;
    if (chunked && out->promised)
        out->fixes |= FIX_LENGTH;
}

void admission_judge(const struct settings *settings, const struct headers *headers,
                     const struct framing_facts *framing, struct admission *out)
{
    *out = (struct admission){0};
    const struct admission_check check = {settings, headers, framing, out};
    check_coding(&check);
    check_type(&check);
    check_length(&check);
}
