/* SPDX-License-Identifier: Apache-2.0 */
/* Holds back the last byte of an image. Glance takes an image as complete once it has the last
 * byte. So that byte is sent only after the body has ended, every filter has agreed, and the count
 * is right. */
#include "intake/stream.h"

#include "body/body_priv.h"

#include <inttypes.h>

struct finish {
    struct filter filter;
    uint64_t given;
    char last; /* valid while `held` */
    bool held;
};

static int refuse_count(struct finish *finish, bool more)
{
    const struct body *body = finish->filter.body;
    if (body->form == FORM_UNWRAPPED)
        return filter_refuse(&finish->filter, REFUSAL_MULTIPART_MALFORMED, "%s",
                             more ? "it does not end right after its file"
                                  : "something follows the file, which must be its last field");
    return filter_refuse(&finish->filter, REFUSAL_SIZE_MISMATCH,
                         "%" PRIu64 " bytes were announced, and %s came", body->length,
                         more ? "more" : "fewer");
}

/* No filter between the count of what came and this one changes the image. So what is missing here
 * was lost on the way, and Glance must not take the rest for an image. */
static int refuse_loss(struct finish *finish)
{
    return filter_refuse(&finish->filter, REFUSAL_SIZE_MISMATCH,
                         "%" PRIu64 " bytes came, and this proxy has passed on %" PRIu64,
                         finish->filter.body->measured, finish->given);
}

/* The body has ended; `count` bytes are in the buffer. */
static ssize_t finish_with(struct finish *finish, size_t count)
{
    struct body *body = finish->filter.body;
    finish->held = false;
    finish->given += count;
    if (body->length_known && finish->given != body->length)
        return refuse_count(finish, false);
    if (finish->given != body->measured)
        return refuse_loss(finish);
    body->finished = true;
    return (ssize_t)count;
}

/* The last of `count` bytes in the buffer is the last byte of the image, if the body ends there.
 * The last byte is held back while that is not known. */
static ssize_t confirm(struct finish *finish, char *into, size_t count, size_t room)
{
    char *behind = into + count;
    ssize_t got = STREAM_WAIT;
    if (room - count >= FILTER_ROOM_MIN)
        got = filter_pull(&finish->filter, behind, room - count);
    if (got == STREAM_END)
        return finish_with(finish, count);
    if (got > 0)
        return refuse_count(finish, true);
    if (got != STREAM_WAIT)
        return got;
    finish->last = behind[-1];
    finish->held = true;
    finish->given += count - 1;
    return count > 1 ? (ssize_t)count - 1 : STREAM_WAIT;
}

static ssize_t read_finish(struct filter *filter, void *into, size_t room)
{
    struct finish *finish = (struct finish *)filter;
    const struct body *body = filter->body;
    char *bytes = into;
    if (body->finished)
        return STREAM_END;
    size_t held = finish->held ? 1 : 0;
    if (held)
        bytes[0] = finish->last;
    ssize_t got = filter_pull(filter, bytes + held, room - held);
    if (got < 0)
        return got;
    size_t count = held + (size_t)got;
    if (got == 0)
        return finish_with(finish, count);
    if (!body->length_known || finish->given + count < body->length) {
        finish->given += count;
        finish->held = false;
        return (ssize_t)count;
    }
    if (finish->given + count > body->length)
        return refuse_count(finish, true);
    return confirm(finish, bytes, count, room);
}

/* Every byte but the last one may be spliced. */
static uint64_t splice_budget(const struct filter *filter)
{
    const struct finish *finish = (const struct finish *)filter;
    const struct body *body = filter->body;
    if (finish->held || !body->length_known || body->length <= finish->given)
        return 0;
    return body->length - finish->given - 1;
}

static void spliced(struct filter *filter, uint64_t count)
{
    ((struct finish *)filter)->given += count;
}

/* An empty image is never read, so the end of the body is checked here. */
static int prepare_finish(struct filter *filter)
{
    struct finish *finish = (struct finish *)filter;
    const struct body *body = filter->body;
    char nothing[FILTER_ROOM_MIN];
    if (!body->length_known || body->length > 0 || body->finished)
        return 1;
    ssize_t got = filter_pull(filter, nothing, sizeof nothing);
    if (got != STREAM_END)
        return got > 0 ? refuse_count(finish, true) : (int)got;
    return finish_with(finish, 0) == 0 ? 1 : STREAM_REFUSED;
}

static bool rewind_finish(struct filter *filter)
{
    struct finish *finish = (struct finish *)filter;
    finish->given = 0;
    finish->held = false;
    return true;
}

uint64_t finish_given(const struct filter *filter)
{
    return ((const struct finish *)filter)->given;
}

const struct filter_kind filter_finish = {
    .phase = FILTER_FINISH,
    .size = sizeof(struct finish),
    .prepare = prepare_finish,
    .read = read_finish,
    .splice_budget = splice_budget,
    .spliced = spliced,
    .rewind = rewind_finish,
};
