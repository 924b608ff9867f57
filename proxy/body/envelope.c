/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the image out of a form, whether the request says that it is one or not.
 *
 * Nothing is copied but what the scanner holds back: a possible piece of a delimiter, or the
 * beginning of a head. That is put in front of the bytes that come next. */
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

static_assert(FILTER_ROOM_MIN > (int)MULTIPART_HOLD_MAX, "a piece must have room for what is held");

enum shape { SHAPE_UNKNOWN, SHAPE_PLAIN, SHAPE_FORM };

struct envelope {
    struct filter filter;
    enum shape shape;
    struct multipart *form;
    char *held; /* MULTIPART_HOLD_MAX bytes; NULL until there is something to hold */
    size_t held_count;
    bool length_learned;
    struct hashing *whole; /* of the form, if digests of that were promised; else NULL */
    bool held_to_promises;
};

static struct envelope *of(struct filter *filter)
{
    return (struct envelope *)filter;
}

/* A digest in the head of the request is one of the form as a whole. */
static bool hash_form(struct envelope *envelope)
{
    const struct body_plan *plan = &envelope->filter.body->plan;
    if (!plan->promises || !plan->promises->count)
        return true;
    struct digests *set = digests_new();
    if (!set || !promised_want(plan->promises, set)) {
        digests_free(set);
        return false;
    }
    envelope->whole = hashing_new(set, plan->digest_threads, plan->loop, plan->wake, plan->context);
    return envelope->whole != NULL;
}

/* The length is not the image's any more; the form's head will tell. */
static bool open_form(struct envelope *envelope, const char *boundary)
{
    struct body *body = envelope->filter.body;
    body->unwrapped = true;
    body->length_known = body->plan.promised;
    body->length = body->plan.promise;
    envelope->shape = SHAPE_FORM;
    if (!hash_form(envelope))
        return false;
    envelope->form =
        multipart_new(boundary, body->plan.length_known ? body->plan.length : UINT64_MAX);
    return envelope->form != NULL;
}

/* Where the policy only watches, the form is what Glance is sent. */
static bool leave_on(struct envelope *envelope)
{
    struct body *body = envelope->filter.body;
    if (!body->plan.audit)
        return false;
    envelope->shape = SHAPE_PLAIN;
    body->wrapped = true;
    return true;
}

static bool begin(struct filter *filter)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    const char *type = filter->body->plan.content_type;
    if (!type || !multipart_boundary(type, boundary))
        return true;
    return leave_on(of(filter)) || open_form(of(filter), boundary);
}

static bool hold(struct envelope *envelope, const char *bytes, size_t count)
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

/* 1: the shape is known now. 0: more bytes will tell. */
static int find_shape(struct envelope *envelope, const char *bytes, size_t count, bool last)
{
    struct filter *filter = &envelope->filter;
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    enum multipart_guess guess = multipart_guess(bytes, count, boundary);
    if (guess == MULTIPART_PERHAPS && !last)
        return hold(envelope, bytes, count) ? 0 : filter_no_memory(&envelope->filter);
    envelope->shape = SHAPE_PLAIN;
    if (guess != MULTIPART_YES)
        return 1;
    if (!filter->body->plan.settings->upload.unwrap_multipart &&
        !filter_report(filter, CHECK_REJECT, REFUSAL_UNSUPPORTED_CONTENT_TYPE,
                       "it is a form, whatever its Content-Type says"))
        return STREAM_REFUSED;
    return leave_on(envelope) || open_form(envelope, boundary) ? 1 : filter_no_memory(filter);
}

/* The form says how long the image will be, or at most, since a field may follow it. What the
 * client says of it counts more, and is held to (measure.c), unless it cannot be. */
static bool learn_length(struct envelope *envelope)
{
    struct body *body = envelope->filter.body;
    uint64_t length;
    if (envelope->length_learned || !multipart_length(envelope->form, &length))
        return true;
    envelope->length_learned = true;
    if (body->plan.promised && body->plan.promise > length) {
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

/* Moves the image's bytes to the front; how many there are, or why there are none. */
static ssize_t take_out(struct envelope *envelope, char *bytes, size_t count, bool last)
{
    struct multipart_span span = {0};
    if (!multipart_scan(envelope->form, bytes, count, last, &span))
        return filter_refuse(&envelope->filter, REFUSAL_MULTIPART_MALFORMED, "%s",
                             multipart_fault(envelope->form));
    if (!hold(envelope, bytes + count - span.hold, span.hold))
        return filter_no_memory(&envelope->filter);
    if (!learn_length(envelope))
        return STREAM_REFUSED;
    if (span.at && span.data)
        memmove(bytes, bytes + span.at, span.data);
    return (ssize_t)span.data;
}

/* The bytes that are new: those that were held back have been hashed before. 1, or why not: at the
 * end STREAM_WAIT, until all is hashed. */
static int hash_new(struct envelope *envelope, const char *bytes, size_t count, bool last)
{
    struct filter *filter = &envelope->filter;
    if (!envelope->whole || envelope->held_to_promises)
        return 1;
    if (count && !hashing_put(envelope->whole, bytes, count))
        return filter_no_memory(filter);
    if (!last)
        return 1;
    if (!hashing_is_over(envelope->whole))
        return STREAM_WAIT;
    envelope->held_to_promises = true;
    bool good = promised_hold(filter, filter->body->plan.promises, hashing_set(envelope->whole));
    return good ? 1 : STREAM_REFUSED;
}

/* Behind what was held back, which is put in front. Nothing that could not be hashed yet. */
static ssize_t pull_next(struct envelope *envelope, char *into, size_t room)
{
    size_t held = envelope->held_count;
    size_t most = envelope->whole ? hashing_room(envelope->whole) : SIZE_MAX;
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
        ssize_t taken = ready ? take_out(envelope, into, count, got == 0) : 0;
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
    hashing_free(of(filter)->whole);
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
