/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the image out of a form, whether the request says that it is one or not.
 *
 * Nothing is copied but what the scanner holds back: a possible piece of a delimiter, or the
 * beginning of a head. That is put in front of the bytes that come next. */
#include "body/body_priv.h"
#include "body/multipart.h"
#include "intake/digest.h"
#include "intake/promises.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static_assert(FILTER_ROOM_MIN > (int)MULTIPART_HOLD_MAX, "a piece must have room for what is held");

enum shape { SHAPE_UNKNOWN, SHAPE_PLAIN, SHAPE_FORM };

struct envelope {
    struct filter filter;
    enum shape shape;
    struct multipart *form;
    char *held; /* MULTIPART_HOLD_MAX bytes; NULL until there is something to hold */
    size_t held_count;
    bool length_learned;
    struct digests *whole; /* of the form, if digests of that were promised; else NULL */
    bool held_to_promises;
};

static struct envelope *of(struct filter *filter)
{
    return (struct envelope *)filter;
}

/* A digest in the head of the request is one of the form as a whole. */
static bool hash_form(struct envelope *envelope)
{
    const struct promises *promises = envelope->filter.body->plan.promises;
    if (!promises || !promises->count)
        return true;
    envelope->whole = digests_new();
    return envelope->whole && promised_want(promises, envelope->whole);
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

static bool begin(struct filter *filter)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    const char *type = filter->body->plan.content_type;
    if (!type || !multipart_boundary(type, boundary))
        return true;
    return open_form(of(filter), boundary);
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
    if (!filter->body->plan.settings->upload.unwrap_multipart)
        return filter_refuse(filter, REFUSAL_UNSUPPORTED_CONTENT_TYPE,
                             "it is a form, whatever its Content-Type says");
    return open_form(envelope, boundary) ? 1 : filter_no_memory(&envelope->filter);
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
        return BODY_REFUSED;
    if (span.at && span.data)
        memmove(bytes, bytes + span.at, span.data);
    return (ssize_t)span.data;
}

/* The bytes that are new: those that were held back have been hashed before. */
static bool hash_new(struct envelope *envelope, const char *bytes, size_t count, bool last)
{
    if (!envelope->whole || envelope->held_to_promises)
        return true;
    digests_update(envelope->whole, bytes, count);
    envelope->held_to_promises = last;
    return !last ||
           promised_hold(&envelope->filter, envelope->filter.body->plan.promises, envelope->whole);
}

static ssize_t unwrap(struct envelope *envelope, char *into, size_t room)
{
    for (;;) {
        size_t held = envelope->held_count;
        if (held)
            memcpy(into, envelope->held, held);
        ssize_t got = filter_pull(&envelope->filter, into + held, room - held);
        if (got < 0)
            return got;
        size_t count = held + (size_t)got;
        bool known = envelope->shape != SHAPE_UNKNOWN;
        int found = known ? 1 : find_shape(envelope, into, count, got == 0);
        if (found < 0)
            return found;
        if (envelope->shape == SHAPE_PLAIN)
            return (ssize_t)count;
        size_t hashed = known ? held : 0;
        if (found && !hash_new(envelope, into + hashed, count - hashed, got == 0))
            return BODY_REFUSED;
        ssize_t taken = found ? take_out(envelope, into, count, got == 0) : 0;
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

static void end(struct filter *filter)
{
    multipart_free(of(filter)->form);
    digests_free(of(filter)->whole);
    free(of(filter)->held);
}

const struct filter_kind filter_envelope = {
    .phase = FILTER_UNWRAP,
    .size = sizeof(struct envelope),
    .begin = begin,
    .read = read_envelope,
    .end = end,
};
