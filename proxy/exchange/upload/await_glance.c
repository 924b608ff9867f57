/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out whether Glance has begun to read the body.
 *
 * A Glance that refuses an upload may close its connection with unread bytes of the body. The reset
 * that follows can destroy the refusal, and the client would never learn the reason. Glance refuses
 * before it reads. So it gets the head and the first bytes, and the rest is held back until it
 * reads. That costs no time: it would not read the rest any earlier.
 *
 * Two signs tell that it reads. Under eventlet, and behind most proxies, 100 Continue comes with
 * the first read. uWSGI never sends that; there the proxy asks for the image's status. If neither
 * sign comes within two seconds, the rest is sent.
 *
 * From then on the upload counts for other uploads of its project, too (check_quota.c). */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/record.h"

#include <string.h>

enum {
    FIRST_BYTES = 64 * 1024,
    HELD_MS = 2000,   /* at most */
    RETRY_MIN_MS = 50 /* between two questions, or a fifth of the time that has passed */
};

/* Whether the body continues after the first bytes. */
static bool is_longer(const struct body *body)
{
    uint64_t length;
    return !body_length(body, &length) || length > FIRST_BYTES;
}

static void ask_later(struct upload_flow *upload)
{
    uint64_t wait = (clock_ms() - upload->poll.began_ms) / 5;
    upload_set_poll_timer(upload, wait < RETRY_MIN_MS ? RETRY_MIN_MS : wait);
}

/* A worker that has heard 100 Continue from Glance asks nothing: the next one will come, too. */
void await_glance_begin(struct upload_flow *upload)
{
    bool waits = is_longer(upload->body);
    upload->send.phase = waits ? SEND_FIRST_BYTES : SEND_ALL;
    if (!waits)
        return;
    upload->poll.began_ms = clock_ms();
    upload->poll.due = false;
    exchange_wait_at_most(&upload->x, HELD_MS);
    if (!upload->x.parts->hears_continue)
        ask_later(upload);
}

size_t await_glance_room(const struct upload_flow *upload, size_t room)
{
    if (upload->send.phase == SEND_ALL)
        return room;
    uint64_t sent = atomic_load_explicit(&upload->x.record->bytes, memory_order_relaxed);
    size_t left = sent < FIRST_BYTES ? (size_t)(FIRST_BYTES - sent) : 0;
    return left < room ? left : room;
}

void await_glance_continued(void *owner)
{
    struct upload_flow *upload = upload_of(owner);
    upload->send.continued = true;
    quota_confirm(&upload->quota.reservation);
    exchange_wake(&upload->x);
}

/* With any status but `queued`, waiting longer does not help. */
static bool has_begun(const struct image_check *check)
{
    struct image seen;
    if (!image_check_read(check, &seen))
        return false;
    bool queued = strcmp(seen.status, "queued") == 0;
    image_free(&seen);
    return !queued;
}

/* Asks for the image, or reads the answer. True: Glance has begun. */
static bool poll(struct upload_flow *upload)
{
    struct image_check *check = &upload->check;
    if (upload->poll.due) {
        upload->poll.due = false;
        image_check_ask_image(&upload->x, check, HELD_MS);
        return false;
    }
    if (!check->image_question.over)
        return false;
    bool begun = has_begun(check);
    fetch_end(&check->image_question);
    if (begun)
        quota_confirm(&upload->quota.reservation);
    else
        ask_later(upload);
    return begun;
}

void await_glance_end(struct upload_flow *upload)
{
    struct loop *loop = upload->x.parts->loop;
    upload->send.phase = SEND_ALL;
    upload->poll.due = false;
    fetch_end(&upload->check.image_question);
    timer_cancel(loop, &upload->poll.timer);
    timer_cancel(loop, &upload->x.step_timer);
}

/* After one 100 Continue that did not come, the worker asks again. */
void await_glance_step(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    if (upload->send.phase == SEND_ALL)
        return;
    if (!upload->send.continued && !x->step_timer_fired && !poll(upload))
        return;
    x->parts->hears_continue = upload->send.continued;
    await_glance_end(upload);
    if (x->glance.transfer)
        transfer_write_on(x->glance.transfer);
}
