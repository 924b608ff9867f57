/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the image out of a form, also if the Content-Type does not say that the body is a form.
 *
 * Only the bytes that the scanner holds back are copied: an incomplete delimiter, or an incomplete
 * head. They are put in front of the next chunk. */
#include "body/body_priv.h"
#include "body/hashing.h"
#include "body/multipart.h"
#include "intake/digest.h"
#include "intake/promises.h"
#include "intake/stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

static_assert(FILTER_ROOM_MIN > (int)MULTIPART_HOLD_MAX,
              "a chunk must have space for what is held");

enum shape { SHAPE_UNKNOWN, SHAPE_PLAIN, SHAPE_FORM };

struct envelope {
    struct filter filter;
    enum shape shape;
    struct multipart *form;
    char *held; /* MULTIPART_HOLD_MAX bytes; NULL until there is something to hold back */
    size_t held_count;
    bool length_learned;
    struct hashing *form_hashing; /* of the whole form; NULL: none of its digests was promised */
    bool promises_checked;
};

static struct envelope *of(struct filter *filter)
{
    return (struct envelope *)filter;
}

/* A digest in the head of the request is a digest of the whole form. */
static bool hash_form(struct envelope *envelope)
{
    const struct body_plan *plan = &envelope->filter.body->plan;
    if (!plan->promises || !plan->promises->count)
        return true;
    struct digests *set = digests_new();
    if (!set || !promised_add(plan->promises, set)) {
        digests_free(set);
        return false;
    }
    envelope->form_hashing =
        hashing_new(set, plan->digest_threads, plan->loop, plan->wake, plan->context);
    return envelope->form_hashing != NULL;
}

/* Content-Length is the length of the form, not of the image. The promise has the image's length,
 * or the head of the form's file tells it later. */
static bool open_form(struct envelope *envelope, const char *boundary)
{
    struct body *body = envelope->filter.body;
    body->form = FORM_UNWRAPPED;
    body->length_known = body->plan.promised;
    body->length = body->plan.promise;
    envelope->shape = SHAPE_FORM;
    if (!hash_form(envelope))
        return false;
    envelope->form =
        multipart_new(boundary, body->plan.length_known ? body->plan.length : UINT64_MAX);
    return envelope->form != NULL;
}

/* In audit mode Glance gets the form unchanged. */
static bool keep_form(struct envelope *envelope)
{
    struct body *body = envelope->filter.body;
    if (!body->plan.audit || body->plan.form_is_ours)
        return false;
    envelope->shape = SHAPE_PLAIN;
    body->form = FORM_KEPT;
    return true;
}

static bool begin(struct filter *filter)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    const char *type = filter->body->plan.content_type;
    if (!type || !multipart_boundary(type, boundary))
        return true;
    return keep_form(of(filter)) || open_form(of(filter), boundary);
}

static bool hold_back(struct envelope *envelope, const char *bytes, size_t count)
{
    if (!envelope->held && count)
        envelope->held = malloc(MULTIPART_HOLD_MAX);
    if (!envelope->held && count)
        return false;
    if (count)
        memcpy(envelope->held, bytes, count);
    envelope->held_count = count;
    return true;
}

/* 1: the shape is known now. 0: more bytes are needed. */
static int find_shape(struct envelope *envelope, const char *bytes, size_t count, bool last)
{
    struct filter *filter = &envelope->filter;
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    enum multipart_guess guess = multipart_guess(bytes, count, boundary);
    if (guess == MULTIPART_PERHAPS && !last)
        return hold_back(envelope, bytes, count) ? 0 : filter_no_memory(&envelope->filter);
    envelope->shape = SHAPE_PLAIN;
    if (guess != MULTIPART_YES)
        return 1;
    if (!filter->body->plan.settings->upload.unwrap_multipart &&
        !filter_report(filter, CHECK_REJECT, REFUSAL_UNSUPPORTED_CONTENT_TYPE,
                       "it is a form, whatever its Content-Type says"))
        return STREAM_REFUSED;
    return keep_form(envelope) || open_form(envelope, boundary) ? 1 : filter_no_memory(filter);
}

/* The form tells the length of the image. The image is shorter if a field follows the file. The
 * promised size takes precedence, and measure.c enforces it. A promised size that is larger than
 * the form allows is refused here. */
static bool learn_length(struct envelope *envelope)
{
    struct body *body = envelope->filter.body;
    uint64_t length;
    if (envelope->length_learned || !multipart_length(envelope->form, &length))
        return true;
    envelope->length_learned = true;
    if (body->plan.promised && body->plan.promise > length && !body->plan.decompresses) {
        filter_refuse(&envelope->filter, REFUSAL_SIZE_MISMATCH,
                      "x-openstack-image-size is %" PRIu64 ", and the file in the form has %" PRIu64
                      " bytes",
                      body->plan.promise, length);
        return false;
    }
    body->length = body->plan.promised ? body->plan.promise : length;
    body->length_known = true;
    return body_within_limits(body);
}

/* Moves the image's bytes to the front. Returns their number, or a STREAM_ code. */
static ssize_t extract_image(struct envelope *envelope, char *bytes, size_t count, bool last)
{
    struct multipart_span span = {0};
    if (!multipart_scan(envelope->form, bytes, count, last, &span))
        return filter_refuse(&envelope->filter, REFUSAL_MULTIPART_MALFORMED, "%s",
                             multipart_fault(envelope->form));
    if (!hold_back(envelope, bytes + count - span.hold, span.hold))
        return filter_no_memory(&envelope->filter);
    if (!learn_length(envelope))
        return STREAM_REFUSED;
    if (span.at && span.data)
        memmove(bytes, bytes + span.at, span.data);
    return (ssize_t)span.data;
}

/* Hashes the new bytes; those that were held back have been hashed before. Returns 1, or a STREAM_
 * code: at the end STREAM_WAIT until everything is hashed. */
static int hash_new(struct envelope *envelope, const char *bytes, size_t count, bool last)
{
    struct filter *filter = &envelope->filter;
    if (!envelope->form_hashing || envelope->promises_checked)
        return 1;
    if (count && !hashing_put(envelope->form_hashing, bytes, count))
        return filter_no_memory(filter);
    if (!last)
        return 1;
    if (!hashing_is_over(envelope->form_hashing))
        return STREAM_WAIT;
    envelope->promises_checked = true;
    bool good =
        promised_check(filter, filter->body->plan.promises, hashing_set(envelope->form_hashing));
    return good ? 1 : STREAM_REFUSED;
}

/* Puts the held bytes into the buffer, and pulls more after them. STREAM_WAIT while the hashing
 * cannot take more bytes. */
static ssize_t pull_next(struct envelope *envelope, char *into, size_t room)
{
    size_t held = envelope->held_count;
    size_t most = envelope->form_hashing ? hashing_room(envelope->form_hashing) : SIZE_MAX;
    if (most == 0)
        return STREAM_WAIT;
    if (held)
        memcpy(into, envelope->held, held);
    return filter_pull(&envelope->filter, into + held, MIN(room - held, most));
}

static ssize_t unwrap(struct envelope *envelope, char *into, size_t room)
{
    for (;;) {
        size_t held = envelope->held_count;
        ssize_t got = pull_next(envelope, into, room);
        if (got < 0)
            return got;
        size_t count = held + (size_t)got;
        bool known = envelope->shape != SHAPE_UNKNOWN;
        int ready = known ? 1 : find_shape(envelope, into, count, got == 0);
        if (envelope->shape == SHAPE_PLAIN && ready >= 0)
            return (ssize_t)count;
        size_t hashed = known ? held : 0;
        if (ready == 1)
            ready = hash_new(envelope, into + hashed, count - hashed, got == 0);
        if (ready < 0)
            return ready;
        ssize_t taken = ready ? extract_image(envelope, into, count, got == 0) : 0;
        if (taken != 0 || got == 0)
            return taken;
    }
}

static ssize_t read_envelope(struct filter *filter, void *into, size_t room)
{
    struct envelope *envelope = of(filter);
    return envelope->shape == SHAPE_PLAIN ? filter_pull(filter, into, room)
                                          : unwrap(envelope, into, room);
}

static uint64_t splice_budget(const struct filter *filter)
{
    return ((const struct envelope *)filter)->shape == SHAPE_PLAIN ? UINT64_MAX : 0;
}

static void end(struct filter *filter)
{
    multipart_free(of(filter)->form);
    hashing_free(of(filter)->form_hashing);
    free(of(filter)->held);
}

const struct filter_kind filter_envelope = {
    .phase = FILTER_UNWRAP,
    .size = sizeof(struct envelope),
    .begin = begin,
    .read = read_envelope,
    .splice_budget = splice_budget,
    .end = end,
};
