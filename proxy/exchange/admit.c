/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of an upload from its head alone, before anybody is asked. */
#include "exchange/exchange_priv.h"

#include "intake/client.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/upload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char OCTETS[] = "application/octet-stream";
static const char SIZE[] = "X-Openstack-Image-Size";

static const struct headers *head_of(const struct exchange *x)
{
    return &client_head(x->client)->headers;
}

static bool begins_with(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

/* --- the type -------------------------------------------------------------------------- */

/* As Glance compares: the type itself, in lower case, and whatever parameters. */
static bool glance_takes(const char *type)
{
    if (!type)
        return false;
    size_t length = strcspn(type, "; \t");
    return length == strlen(OCTETS) && strncmp(type, OCTETS, length) == 0;
}

static enum step_result judge_type(struct exchange *x)
{
    const struct settings *settings = x->snapshot->settings;
    const char *type = headers_get(head_of(x), "Content-Type");
    if (type && begins_with(type, "multipart/")) {
        x->declared_form = begins_with(type, "multipart/form-data");
        if (!x->declared_form)
            return exchange_refuse_for(x, REFUSAL_UNSUPPORTED_CONTENT_TYPE,
                                       "only a form (multipart/form-data) can be unwrapped");
        if (!settings->upload.unwrap_multipart)
            return exchange_refuse_for(x, REFUSAL_UNSUPPORTED_CONTENT_TYPE, "it is a form");
        return STEP_NEXT;
    }
    bool once = headers_count(head_of(x), "Content-Type") == 1; /* Glance joins several */
    if (!settings->upload.fix_content_type && !(once && glance_takes(type)))
        return exchange_refuse_for(x, REFUSAL_UNSUPPORTED_CONTENT_TYPE, "%s",
                                   type ? "its Content-Type is not application/octet-stream"
                                        : "it has no Content-Type");
    return STEP_NEXT;
}

/* --- fields Glance ignores, and should not --------------------------------------------- */

static bool is_coded(const struct headers *headers)
{
    const char *coding = headers_get(headers, "Content-Encoding");
    return headers_count(headers, "Content-Encoding") > 1 ||
           (coding && coding[0] && strcasecmp(coding, "identity") != 0);
}

static enum step_result judge_coding(struct exchange *x)
{
    if (headers_count(head_of(x), "Content-Range"))
        return exchange_refuse(x, REFUSAL_CONTENT_RANGE);
    return is_coded(head_of(x)) ? exchange_refuse(x, REFUSAL_CONTENT_ENCODING) : STEP_NEXT;
}

/* --- the length ------------------------------------------------------------------------ */

/* x-openstack-image-size, which newer glanceclients send (and Glance 2025.2 holds them to). */
static enum step_result read_announced_size(struct exchange *x)
{
    const char *text = headers_get(head_of(x), SIZE);
    if (!text)
        return STEP_NEXT;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (headers_count(head_of(x), SIZE) != 1 || *text < '0' || *text > '9' || *end || errno ||
        value > INT64_MAX)
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST,
                                   "x-openstack-image-size is not a number of bytes");
    x->promised = true;
    x->promise = value;
    const struct framing_facts *framing = client_framing(x->client);
    bool plain = framing->framing == FRAMING_LENGTH && !x->declared_form;
    if (plain && framing->length != value)
        return exchange_refuse_for(x, REFUSAL_SIZE_MISMATCH,
                                   "x-openstack-image-size is %llu, and Content-Length is %" PRIu64,
                                   value, framing->length);
    return value ? STEP_NEXT : exchange_refuse(x, REFUSAL_EMPTY_BODY);
}

/* An unknown length is spooled, streamed, or refused; there may be no room to spool. */
static enum step_result judge_unknown_length(struct exchange *x)
{
    const struct settings *settings = x->snapshot->settings;
    switch (settings->upload.unknown_length) {
    case UNKNOWN_LENGTH_REJECT:
        return exchange_refuse(x, REFUSAL_LENGTH_REQUIRED);
    case UNKNOWN_LENGTH_SPOOL:
        x->size_comes = true;
        if (spools_used(x->parts->spools) >= settings->upload.spool_limit)
            return exchange_refuse(x, REFUSAL_SPOOL_FULL);
        return STEP_NEXT;
    default:
        return STEP_NEXT;
    }
}

static enum step_result judge_length(struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    bool chunked = framing->framing == FRAMING_CHUNKED;
    if (!chunked && framing->length == 0)
        return exchange_refuse(x, REFUSAL_EMPTY_BODY);
    enum step_result promised = read_announced_size(x);
    if (promised != STEP_NEXT)
        return promised;
    if (chunked && !x->promised)
        return judge_unknown_length(x);
    x->size_comes = !chunked && x->declared_form; /* with the head of the file in the form */
    x->size_known = x->promised || !x->declared_form;
    x->size = x->promised ? x->promise : framing->length;
    return STEP_NEXT;
}

/* --- digests --------------------------------------------------------------------------- */

static enum step_result read_promises(struct exchange *x)
{
    const char *fault = promises_read(head_of(x), &x->promises);
    return fault ? exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", fault) : STEP_NEXT;
}

/* --- all of it ------------------------------------------------------------------------- */

enum step_result upload_admit(struct exchange *x)
{
    static enum step_result (*const judges[])(struct exchange *) = {judge_coding, judge_type,
                                                                    judge_length, read_promises};
    if (x->parts->draining)
        return exchange_refuse(x, REFUSAL_DRAINING);
    for (size_t i = 0; i < sizeof judges / sizeof *judges; i++) {
        enum step_result result = judges[i](x);
        if (result != STEP_NEXT)
            return result;
    }
    return STEP_NEXT;
}
