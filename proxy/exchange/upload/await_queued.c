/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until Glance has queued the image again, after the upload to it was dropped. Glance does
 * that when its connection is closed, a moment later. */
#include "exchange/upload/image_check.h"

#include "intake/clock.h"
#include "intake/held_uploads.h"

#include <string.h>

enum { QUEUED_MS = 10000, RETRY_MS = 100 };

void image_check_begin_await_queued(struct exchange *x, struct image_check *check)
{
    check->await_began_ms = clock_ms();
    exchange_wait_at_most(x, RETRY_MS);
}

/* The upload's worker may not have ended it yet. */
static bool is_free(const struct exchange *x, const struct image_check *check)
{
    struct held_facts facts;
    const char *id = check->image.id ? check->image.id : x->request.route.image_id;
    return strcmp(check->image.status, "saving") != 0 &&
           !held_uploads_find(x->parts->held_uploads, id, NULL, &facts);
}

static enum step_result ask(struct exchange *x, struct image_check *check)
{
    image_free(&check->image);
    return image_check_ask_image(x, check, QUEUED_MS) ? STEP_WAIT : exchange_no_memory(x);
}

enum step_result image_check_await_queued(struct exchange *x, struct image_check *check)
{
    if (!check->image_question.begun)
        return x->step_timer_fired ? ask(x, check) : STEP_WAIT;
    if (!check->image_question.over)
        return STEP_WAIT;
    enum step_result result = image_check_take_image(x, check);
    bool waits = result == STEP_NEXT && !is_free(x, check);
    if (!waits || clock_ms() - check->await_began_ms > QUEUED_MS)
        return result;
    exchange_wait_at_most(x, RETRY_MS);
    return STEP_WAIT;
}
