/* SPDX-License-Identifier: Apache-2.0 */
/* After a failure of Glance's, or without its answer: what has become of the image?
 *
 * A failure within the body leaves an image that waits for data again within a second, or, where
 * Glance has died, one that stays in `saving`.
 *
 * A whole body is different: Glance may be storing it still. Its answer can get lost on the way
 * (uWSGI's router, for one, ends a request after a minute), or be a balancer's instead of its own.
 * Then the image alone can tell, and it is asked for until response_timeout ends. */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/clock.h"
#include "intake/log.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/verify.h"

#include <stdio.h>
#include <string.h>

static const struct poll_plan AFTER_FAILURE = {
    .timeout_ms = 5000, .wait_ms = 250, .wait_max_ms = 2000};

/* What a balancer says when it has given up on Glance. Glance's own failure is 500, or ends at
 * once. */
static bool is_balancers(unsigned status)
{
    return status == 502 || status == 503 || status == 504;
}

static bool is_lost(const struct exchange *x)
{
    return body_finished(x->body) && (x->failure || is_balancers(x->glance.answer.status));
}

/* What is left of response_timeout, which began with the last byte. */
static uint64_t time_left(const struct exchange *x)
{
    uint64_t gone = x->look_began - x->given_at;
    uint64_t limit = x->snapshot->settings->glance.response_timeout;
    uint64_t left = gone < limit ? limit - gone : 0;
    return left > AFTER_FAILURE.timeout_ms ? left : AFTER_FAILURE.timeout_ms;
}

static struct poll_plan plan_for(const struct exchange *x)
{
    if (!is_lost(x))
        return AFTER_FAILURE;
    return (struct poll_plan){
        .later = true, .timeout_ms = time_left(x), .wait_ms = 1000, .wait_max_ms = 30000};
}

static bool is_stage(const struct exchange *x)
{
    return x->record->kind == RECORD_STAGE;
}

/* Glance has not done with it. A stage sets the size at its end. */
static bool is_busy(const struct exchange *x, const struct image *seen)
{
    return strcmp(seen->status, "saving") == 0 || strcmp(seen->status, "importing") == 0 ||
           (is_stage(x) && strcmp(seen->status, "uploading") == 0 && !seen->size_known);
}

static bool is_stored(const struct exchange *x, const struct image *seen)
{
    return strcmp(seen->status, is_stage(x) ? "uploading" : "active") == 0;
}

/* --- what is told ------------------------------------------------------------------------ */

static const char *words_while_busy(const struct exchange *x)
{
    if (is_lost(x))
        return "all of it was sent, and Glance is still busy with the image: do not delete it yet, "
               "look at it again later";
    if (x->failure == REFUSAL_GLANCE_TIMEOUT)
        return "the image is still saving";
    return "Glance has only a part of it, and the image is still saving: if it stays so, delete it "
           "and create it anew";
}

/* "" when there is nothing to say. */
static const char *words_for(const struct exchange *x, const char *status)
{
    if (x->still_busy)
        return words_while_busy(x);
    if (strcmp(status, "active") == 0)
        return "the image is active all the same: compare its os_hash_value with the file's";
    if (strcmp(status, "killed") == 0)
        return "Glance has given the image up: delete it and create it anew";
    if (strcmp(status, "deleted") == 0 || strcmp(status, "pending_delete") == 0)
        return "the image is gone";
    if (!*status && is_lost(x))
        return "all of it was sent, and Glance does not tell what has become of the image: look at "
               "it, and do not delete it while it is saving";
    return "";
}

/* Glance may have refused an upload with words that were lost on their way. */
static void tell_queued(const struct exchange *x, char *words, size_t room)
{
    snprintf(words, room, "the image is queued again: upload once more%s%s",
             x->glance.answer.status
                 ? ""
                 : "; if that ends the same way, Glance may refuse the upload, and its "
                   "log says why at ",
             x->glance.answer.status ? "" : x->request.id);
}

/* Glance's own words pass as they are, with a field beside them; ours get a clause more. */
static enum step_result tell(struct exchange *x)
{
    char words[256];
    const char *status = x->record->image_after;
    const char *detail = x->failure_detail;
    if (x->failure == REFUSAL_NONE)
        return STEP_NEXT;
    if (x->still_busy && is_lost(x))
        x->failure = REFUSAL_GLANCE_TIMEOUT;
    if (strcmp(status, "queued") == 0)
        tell_queued(x, words, sizeof words);
    else
        snprintf(words, sizeof words, "%s", words_for(x, status));
    if (!*words && !*detail)
        return exchange_refuse(x, x->failure);
    return exchange_refuse_for(x, x->failure, "%s%s%s", detail, *words && *detail ? "; " : "",
                               words);
}

static enum step_result note_and_tell(struct exchange *x, const char *status)
{
    snprintf(x->record->image_after, sizeof x->record->image_after, "%.32s", status);
    log_say(LOG_LEVEL_WARNING, "%s: Glance failed, and the image %s is %s now", x->request.id,
            x->request.route.image_id, status);
    return tell(x);
}

/* --- what is seen ------------------------------------------------------------------------ */

/* As if Glance had said so. */
static enum step_result answer_for_glance(struct exchange *x)
{
    log_say(LOG_LEVEL_WARNING, "%s: Glance's answer was lost, and it has stored the image",
            x->request.id);
    reply_free(&x->glance.answer);
    reply_init(&x->glance.answer);
    x->glance.answer.status = 204;
    x->answered_for = true;
    x->failure = REFUSAL_NONE;
    return STEP_NEXT;
}

/* There is no answer of Glance's that could pass: what differs is refused, whatever the policy. */
static enum step_result judge_stored(struct exchange *x, const struct image *seen)
{
    char why[VERIFY_WORDS];
    if (upload_compare(x, seen, why) == VERIFY_GOOD)
        return answer_for_glance(x);
    x->record->verified[0] = '\0';
    return exchange_refuse_for(x, REFUSAL_VERIFY_FAILED, "%s", why);
}

/* A request may have waited before Glance for as long as its connection lasted. One more look tells
 * an image that waits for it from one that waits for data again. */
static bool may_begin_yet(struct exchange *x, const struct image *seen)
{
    bool first = is_lost(x) && strcmp(seen->status, "queued") == 0 && !x->seen_queued;
    x->seen_queued |= first;
    return first;
}

static enum step_result judge(struct exchange *x, const struct poll_plan *plan,
                              const struct image *seen)
{
    bool busy = is_busy(x, seen);
    if ((busy || may_begin_yet(x, seen)) && upload_poll_later(x, plan))
        return STEP_WAIT;
    if (is_lost(x) && !busy && is_stored(x, seen))
        return judge_stored(x, seen);
    x->still_busy = busy;
    return note_and_tell(x, seen->status);
}

enum step_result upload_find_outcome(struct exchange *x)
{
    struct image seen = {0};
    if (x->entering)
        x->look_began = clock_ms();
    const struct poll_plan plan = plan_for(x);
    switch (upload_poll(x, &plan, &seen)) {
    case POLL_WAIT:
        return STEP_WAIT;
    case POLL_GONE:
        return note_and_tell(x, "deleted");
    case POLL_SEEN:
        break;
    default:
        return tell(x);
    }
    enum step_result judged = judge(x, &plan, &seen);
    image_free(&seen);
    return judged;
}
