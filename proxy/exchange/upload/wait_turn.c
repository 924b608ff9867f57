/* SPDX-License-Identifier: Apache-2.0 */
/* Right before an upload is sent: was another upload to the same image sent? upload_locks.h has the
 * rule.
 *
 * The wait is short, and does not restart with each other upload: Glance may refuse all of them,
 * one after another. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/upload_locks.h"

#include <string.h>

enum { WAIT_MS = 5000, RETRY_MS = 250 };

/* `anyway`: also if Glance has not begun with the other upload. */
static enum step_result take_turn(struct upload_flow *upload, bool anyway)
{
    struct exchange *x = &upload->x;
    if (upload_lock_send(upload->check.lock, anyway) == UPLOAD_LOCK_SENT)
        return STEP_NEXT;
    return image_check_ask_image(x, &upload->check, WAIT_MS) ? STEP_WAIT : exchange_no_memory(x);
}

/* The image is still queued, or its status is unknown: Glance has not begun with the other one. */
static enum step_result wait_for_other(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    if (clock_ms() - upload->turn_wait_began_ms >= WAIT_MS)
        return take_turn(upload, true);
    exchange_wait_at_most(x, RETRY_MS);
    return x->step_timer_fired ? take_turn(upload, true) : STEP_WAIT;
}

static enum step_result see_image(struct upload_flow *upload)
{
    struct image_check *check = &upload->check;
    struct image seen = {0};
    bool known = image_check_read(check, &seen);
    bool queued = !known || strcmp(seen.status, "queued") == 0;
    enum step_result result = known ? image_check_status(&upload->x, check, &seen) : STEP_NEXT;
    image_free(&seen);
    fetch_end(&check->image_question);
    if (result != STEP_NEXT)
        return result;
    return queued ? wait_for_other(upload) : take_turn(upload, true); /* audit mode */
}

enum step_result upload_wait_turn(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    const struct fetch *question = &upload->check.image_question;
    if (x->entering) {
        upload->turn_wait_began_ms = clock_ms();
        return take_turn(upload, false);
    }
    if (question->begun)
        return question->over ? see_image(upload) : STEP_WAIT;
    return x->step_timer_fired ? take_turn(upload, false) : STEP_WAIT;
}
