/* SPDX-License-Identifier: Apache-2.0 */
/* Right before an upload is sent: was another one, to the same image? claims.h has the rule.
 *
 * The wait is short, and does not begin anew with each of the others: they may be sent by somebody
 * whom Glance will refuse, one after another. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/upload_locks.h"

#include <string.h>

enum { WAITS_MS = 5000, LOOKS_MS = 250 };

static enum step_result go_first(struct exchange *x, bool anyway)
{
    if (upload_lock_send(x->upload_lock, anyway) == UPLOAD_LOCK_SENT)
        return STEP_NEXT;
    return upload_ask_image(x, WAITS_MS) ? STEP_WAIT : exchange_no_memory(x);
}

/* Still queued, or not told: Glance has not begun with the other one. */
static enum step_result wait_or_go(struct exchange *x)
{
    if (clock_ms() - x->turn_began >= WAITS_MS)
        return go_first(x, true);
    exchange_wait_at_most(x, LOOKS_MS);
    return x->step_timer_fired ? go_first(x, true) : STEP_WAIT;
}

/* False: it is not known how the image is. */
static bool read_image(const struct exchange *x, struct image *seen)
{
    const struct fetch *fetch = &x->image_asked;
    const struct buffer *body = &fetch->answer.body;
    return fetch_answered(fetch) && fetch->answer.status == 200 &&
           image_parse(buffer_text(body), body->len, seen);
}

static enum step_result see_image(struct exchange *x)
{
    struct image seen = {0};
    bool known = read_image(x, &seen);
    bool queued = !known || strcmp(seen.status, "queued") == 0;
    enum step_result result = known ? upload_check_status(x, &seen) : STEP_NEXT;
    image_free(&seen);
    fetch_end(&x->image_asked);
    if (result != STEP_NEXT)
        return result;
    return queued ? wait_or_go(x) : go_first(x, true); /* it is only watched */
}

enum step_result upload_wait_turn(struct exchange *x)
{
    if (x->entering) {
        x->turn_began = clock_ms();
        return go_first(x, false);
    }
    if (x->image_asked.begun)
        return x->image_asked.over ? see_image(x) : STEP_WAIT;
    return x->step_timer_fired ? go_first(x, false) : STEP_WAIT;
}
