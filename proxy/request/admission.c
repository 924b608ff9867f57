/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/admission.h"
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

static const char OCTETS[] = "application/octet-stream";
static const char SIZE[] = "X-Openstack-Image-Size";

/* What is judged, and by what. */
struct hearing {
    const struct settings *settings;
    const struct headers *headers;
    const struct framing_facts *framing;
    struct admission *out;
};

static void object(const struct hearing *hearing, enum refusal reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void object(const struct hearing *hearing, enum refusal reason, const char *format, ...)
{
    struct admission *out = hearing->out;
    if (out->count == ADMISSION_VIOLATIONS_MAX)
        return;
    struct admission_violation *violation = &out->violations[out->count++];
    violation->reason = reason;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(violation->detail, sizeof violation->detail, format, arguments);
    va_end(arguments);
}

/* --- fields Glance ignores, and should not --------------------------------------------- */

static bool is_coded(const struct headers *headers)
{
    const char *coding = headers_get(headers, "Content-Encoding");
    return headers_count(headers, "Content-Encoding") > 1 ||
           (coding && coding[0] && strcasecmp(coding, "identity") != 0);
}

static void judge_coding(const struct hearing *hearing)
{
    if (headers_count(hearing->headers, "Content-Range"))
        object(hearing, REFUSAL_CONTENT_RANGE, "%s", "");
    if (is_coded(hearing->headers))
        object(hearing, REFUSAL_CONTENT_ENCODING, "%s", "");
}

/* --- the type -------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

/* As Glance compares: the type itself, in lower case, and whatever parameters. */
static bool glance_takes(const char *type)
{
    if (!type)
        return false;
    size_t length = strcspn(type, "; \t");
    return length == strlen(OCTETS) && strncmp(type, OCTETS, length) == 0;
}

/* NULL: the type is right, or can be put right. */
static const char *type_fault(const struct hearing *hearing, const char *type)
{
    bool once = headers_count(hearing->headers, "Content-Type") == 1; /* Glance joins several */
    if (type && begins_with(type, "multipart/")) {
        if (!begins_with(type, "multipart/form-data"))
            return "only a form (multipart/form-data) can be unwrapped";
        return hearing->settings->upload.unwrap_multipart ? NULL : "it is a form";
    }
    if (hearing->settings->upload.fix_content_type || (once && glance_takes(type)))
        return NULL;
    return type ? "its Content-Type is not application/octet-stream" : "it has no Content-Type";
}

static void judge_type(const struct hearing *hearing)
{
    struct admission *out = hearing->out;
    const char *type = headers_get(hearing->headers, "Content-Type");
    const char *fault = type_fault(hearing, type);
    if (fault) {
        object(hearing, REFUSAL_UNSUPPORTED_CONTENT_TYPE, "%s", fault);
        return;
    }
    out->declared_form = type && begins_with(type, "multipart/");
    if (out->declared_form)
        out->fixes |= FIX_MULTIPART;
    if (headers_count(hearing->headers, "Content-Type") != 1 || strcmp(type, OCTETS) != 0)
        out->fixes |= FIX_CONTENT_TYPE;
}

/* --- the length ------------------------------------------------------------------------ */

/* What x-openstack-image-size says, which newer glanceclients send (and Glance 2025.2 holds them
 * to). */
static bool read_number(const struct hearing *hearing, const char *text, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *number = value;
    return headers_count(hearing->headers, SIZE) == 1 && *text >= '0' && *text <= '9' && !*end &&
           !errno && value <= INT64_MAX;
}

static bool is_chunked(const struct hearing *hearing)
{
    return hearing->framing->framing == FRAMING_CHUNKED;
}

/* The announced length is the image's own. */
static bool is_plain(const struct hearing *hearing)
{
    return !is_chunked(hearing) && !hearing->out->declared_form;
}

static void judge_promise(const struct hearing *hearing)
{
    struct admission *out = hearing->out;
    const char *text = headers_get(hearing->headers, SIZE);
    if (!text)
        return;
    if (!read_number(hearing, text, &out->promise)) {
        object(hearing, REFUSAL_BAD_REQUEST, "x-openstack-image-size is not a number of bytes");
        return;
    }
    out->promised = true;
    uint64_t length = hearing->framing->length;
    if (is_plain(hearing) && length != out->promise)
        object(hearing, REFUSAL_SIZE_MISMATCH,
               "x-openstack-image-size is %" PRIu64 ", and Content-Length is %" PRIu64,
               out->promise, length);
    else if (out->promise == 0)
        out->empty = true;
}

/* Spooled, streamed, or refused. */
static void judge_unknown_length(const struct hearing *hearing)
{
    const enum unknown_length rule = hearing->settings->upload.unknown_length;
    hearing->out->size_comes = rule == UNKNOWN_LENGTH_SPOOL;
    if (rule == UNKNOWN_LENGTH_REJECT)
        object(hearing, REFUSAL_LENGTH_REQUIRED, "%s", "");
}

static void judge_length(const struct hearing *hearing)
{
    struct admission *out = hearing->out;
    bool chunked = is_chunked(hearing);
    out->empty = !chunked && hearing->framing->length == 0;
    judge_promise(hearing);
    out->size_known = out->promised || is_plain(hearing);
    out->size = is_plain(hearing) ? hearing->framing->length : out->promise;
    if (chunked && !out->promised)
        judge_unknown_length(hearing);
    else
        out->size_comes = !chunked && out->declared_form; /* with the head of the file in it */
    if (chunked && (out->size_known || out->size_comes))
        out->fixes |= FIX_LENGTH;
}

void admission_judge(const struct settings *settings, const struct headers *headers,
                     const struct framing_facts *framing, struct admission *out)
{
    *out = (struct admission){0};
    const struct hearing hearing = {settings, headers, framing, out};
    judge_coding(&hearing);
    judge_type(&hearing);
    judge_length(&hearing);
}
