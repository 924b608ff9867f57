/* SPDX-License-Identifier: Apache-2.0 */
/* Has Glance begun to take the body?
 *
 * A Glance that refuses an upload may close its connection with unread bytes of the body. The
 * reset that follows can destroy the refusal, and the client would never learn why. Glance refuses
 * before it reads, so it gets the head and the first bytes, and the rest is held back until it
 * reads. That costs no time: it would not read the rest any earlier.
 *
 * Two things tell that it reads. Under eventlet, and behind most proxies, 100 Continue comes with
 * the first read. uWSGI never sends that; there the image's status tells, which has to be asked
 * for. What says neither gets the rest after two seconds.
 *
 * From then on the upload counts for others of its project, too (check_quota.c). */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/record.h"

#include <string.h>

enum {
    FIRST_BYTES = 64 * 1024,
    HELD_MS = 2000,  /* at most */
    LOOK_MIN_MS = 50 /* between two questions, or a fifth of the time that has passed */
};

/* Whether the body goes on behind the first bytes. */
static bool is_longer(const struct exchange *x)
{
    uint64_t length;
    return !body_length(x->body, &length) || length > FIRST_BYTES;
}

/* A worker that has heard 100 Continue from its Glance asks nothing: the next one will come, too.
 */
static bool asks(const struct exchange *x)
{
    return !x->parts->hears_continue;
}

static void look_again(struct timer *timer)
{
    struct exchange *x = (struct exchange *)((char *)timer - offsetof(struct exchange, look));
    x->look_due = true;
    exchange_wake(x);
}

static void look_later(struct exchange *x)
{
    uint64_t wait = (clock_ms() - x->look_began) / 5;
    x->look.fire = look_again;
    timer_set(x->parts->loop, &x->look, wait < LOOK_MIN_MS ? LOOK_MIN_MS : wait);
}

void await_glance_begin(struct exchange *x)
{
    x->begun = !is_longer(x);
    if (x->begun)
        return;
    x->look_began = clock_ms();
    x->look_due = false;
    exchange_wait_at_most(x, HELD_MS);
    if (asks(x))
        look_later(x);
}

size_t await_glance_room(const struct exchange *x, size_t room)
{
    uint64_t given = atomic_load_explicit(&x->record->bytes, memory_order_relaxed);
    if (x->begun)
        return room;
    size_t left = given < FIRST_BYTES ? (size_t)(FIRST_BYTES - given) : 0;
    return left < room ? left : room;
}

void await_glance_continued(void *owner)
{
    struct exchange *x = owner;
    x->continued = true;
    quota_confirm(&x->reservation);
    exchange_wake(x);
}

/* `queued`: not yet. Any other status will not get Glance to begin later. */
static bool image_has_begun(const struct exchange *x)
{
    const struct fetch *fetch = &x->image_asked;
    const struct buffer *body = &fetch->answer.body;
    struct image seen;
    if (!fetch_answered(fetch) || fetch->answer.status != 200 ||
        !image_parse(buffer_text(body), body->len, &seen))
        return false;
    bool queued = strcmp(seen.status, "queued") == 0;
    image_free(&seen);
    return !queued;
}

/* Asks, or hears what was asked. True: Glance has begun. */
static bool look(struct exchange *x)
{
    if (x->look_due) {
        x->look_due = false;
        upload_ask_image(x, HELD_MS);
        return false;
    }
    if (!x->image_asked.over)
        return false;
    bool begun = image_has_begun(x);
    fetch_end(&x->image_asked);
    if (begun)
        quota_confirm(&x->reservation);
    else
        look_later(x);
    return begun;
}

void await_glance_end(struct exchange *x)
{
    x->begun = true;
    x->look_due = false;
    fetch_end(&x->image_asked);
    timer_cancel(x->parts->loop, &x->look);
    timer_cancel(x->parts->loop, &x->step_timer);
}

/* One 100 Continue that did not come, and the worker asks again. */
void await_glance_step(struct exchange *x)
{
    if (x->begun)
        return;
    if (!x->continued && !x->step_timer_fired && !look(x))
        return;
    x->parts->hears_continue = x->continued;
    await_glance_end(x);
    if (x->glance.transfer)
        transfer_write_on(x->glance.transfer);
}
