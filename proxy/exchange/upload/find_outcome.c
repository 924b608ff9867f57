/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out the state of the image after a failure of Glance, or without its answer.
 *
 * After a failure within the body, the image is queued again within a second; or, if Glance has
 * died, it stays in `saving`.
 *
 * A whole body is different: Glance may still be storing it. Its answer can get lost (uWSGI's
 * router, for one, ends a request after a minute), or be a load balancer's instead of its own. Then
 * only the image can tell, and it is asked for until response_timeout ends. */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/clock.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/verify.h"

#include <stdio.h>
#include <string.h>

static const struct poll_plan AFTER_FAILURE = {
    .timeout_ms = 5000, .wait_ms = 250, .wait_max_ms = 2000};

/* A load balancer answers so when it has given up on Glance. Glance's own failure is 500. */
static bool is_from_balancer(unsigned status)
{
    return status == 502 || status == 503 || status == 504;
}

/* The whole body was sent, and Glance's own answer did not come. */
static bool answer_is_lost(const struct upload_flow *upload)
{
    return body_finished(upload->body) &&
           (upload->outcome.failure || is_from_balancer(upload->x.glance.answer.status));
}

/* The rest of response_timeout, which began with the last byte. */
static uint64_t time_left(const struct upload_flow *upload)
{
    uint64_t passed = upload->poll.began_ms - upload->send.last_sent_ms;
    uint64_t limit = upload->x.snapshot->settings->glance.response_timeout;
    uint64_t left = passed < limit ? limit - passed : 0;
    return left > AFTER_FAILURE.timeout_ms ? left : AFTER_FAILURE.timeout_ms;
}

static struct poll_plan plan_for(const struct upload_flow *upload)
{
    if (!answer_is_lost(upload))
        return AFTER_FAILURE;
    return (struct poll_plan){
        .later = true, .timeout_ms = time_left(upload), .wait_ms = 1000, .wait_max_ms = 30000};
}

static bool is_stage(const struct upload_flow *upload)
{
    return upload->x.record->kind == RECORD_STAGE;
}

/* Glance has not finished with the image. A stage sets the size at its end. */
static bool is_busy(const struct upload_flow *upload, const struct image *seen)
{
    return strcmp(seen->status, "saving") == 0 || strcmp(seen->status, "importing") == 0 ||
           (is_stage(upload) && strcmp(seen->status, "uploading") == 0 && !seen->size_known);
}

static bool is_stored(const struct upload_flow *upload, const struct image *seen)
{
    return strcmp(seen->status, is_stage(upload) ? "uploading" : "active") == 0;
}

/* --- what the client is told -------------------------------------------------------------- */

static const char *words_while_busy(const struct upload_flow *upload)
{
    if (answer_is_lost(upload))
        return "all of it was sent, and Glance is still busy with the image: do not delete it yet, "
               "look at it again later";
    if (upload->outcome.failure == REFUSAL_GLANCE_TIMEOUT)
        return "the image is still saving";
    return "Glance has only a part of it, and the image is still saving: if it stays so, delete it "
           "and create a new one";
}

/* "": there is nothing to say. */
static const char *words_for(const struct upload_flow *upload, const char *status)
{
    if (upload->outcome.still_busy)
        return words_while_busy(upload);
    if (strcmp(status, "active") == 0)
        return "the image has become active: compare its os_hash_value with the file's";
    if (strcmp(status, "killed") == 0)
        return "Glance has given up on the image: delete it and create a new one";
    if (strcmp(status, "deleted") == 0 || strcmp(status, "pending_delete") == 0)
        return "the image is gone";
    if (!*status && answer_is_lost(upload))
        return "all of it was sent, and the state of the image is unknown: look at it, and do not "
               "delete it while it is saving";
    return "";
}

/* Glance may have refused the upload, and its answer was lost. */
static void tell_queued(const struct upload_flow *upload, char *words, size_t room)
{
    snprintf(words, room, "the image is queued again%s: upload once more%s%s",
             upload->outcome.resent ? " after two attempts" : "",
             upload->x.glance.answer.status
                 ? ""
                 : "; if that ends the same way, Glance may refuse the upload, and its "
                   "log says why at ",
             upload->x.glance.answer.status ? "" : upload->x.request.id);
}

/* An answer of Glance's own passes unchanged. A refusal of ours gets the state of the image. */
static enum step_result tell(struct upload_flow *upload)
{
    char words[256];
    const char *status = upload->x.record->image_after;
    const char *detail = upload->outcome.detail;
    if (upload->outcome.failure == REFUSAL_NONE)
        return STEP_NEXT;
    if (upload->outcome.still_busy && answer_is_lost(upload))
        upload->outcome.failure = REFUSAL_GLANCE_TIMEOUT;
    if (upload_makes_image(upload)) /* the image is deleted, in whatever state */
        *words = '\0';
    else if (strcmp(status, "queued") == 0)
        tell_queued(upload, words, sizeof words);
    else
        snprintf(words, sizeof words, "%s", words_for(upload, status));
    if (!*words && !*detail)
        return exchange_refuse(&upload->x, upload->outcome.failure);
    return exchange_refuse_for(&upload->x, upload->outcome.failure, "%s%s%s", detail,
                               *words && *detail ? "; " : "", words);
}

static enum step_result note_and_tell(struct upload_flow *upload, const char *status)
{
    snprintf(upload->x.record->image_after, sizeof upload->x.record->image_after, "%.32s", status);
    request_say(&upload->x.request, LOG_LEVEL_WARNING, "Glance failed, and the image %s is %s now",
                upload->x.request.route.image_id, status);
    return tell(upload);
}

/* --- what the image tells ----------------------------------------------------------------- */

/* The image is stored as it was sent: the client gets the answer that Glance would have given. The
 * record keeps the status that Glance answered, if it did. */
static enum step_result answer_for_glance(struct upload_flow *upload)
{
    struct reply *answer = &upload->x.glance.answer;
    request_say(&upload->x.request, LOG_LEVEL_WARNING,
                "Glance's answer was lost, and it has stored the image");
    reply_free(answer);
    reply_init(answer);
    answer->status = 204;
    upload->outcome.failure = REFUSAL_NONE;
    return STEP_NEXT;
}

/* There is no answer of Glance's to pass on, so a difference is refused in audit mode, too. */
static enum step_result check_stored(struct upload_flow *upload, const struct image *seen)
{
    char why[VERIFY_WORDS];
    if (upload_compare(upload, seen, why) == VERIFY_GOOD)
        return answer_for_glance(upload);
    upload->x.record->verified[0] = '\0';
    return exchange_refuse_for(&upload->x, REFUSAL_VERIFY_FAILED, "%s", why);
}

/* A request may have waited in front of Glance as long as its connection lasted, and Glance may
 * begin with it only now. So `queued` counts when it is seen a second time. */
static bool may_begin_yet(struct upload_flow *upload, const struct image *seen)
{
    struct outcome *outcome = &upload->outcome;
    bool counts = answer_is_lost(upload) || upload_may_resend(upload);
    bool first = counts && strcmp(seen->status, "queued") == 0 && !outcome->seen_queued;
    outcome->seen_queued |= first;
    return first;
}

/* Glance has nothing of the upload. */
static bool is_untouched(const struct image *seen)
{
    return strcmp(seen->status, "queued") == 0 && !(seen->os_hash_value && *seen->os_hash_value) &&
           !(seen->stores && *seen->stores);
}

static enum step_result check(struct upload_flow *upload, const struct poll_plan *plan,
                              const struct image *seen)
{
    bool busy = is_busy(upload, seen);
    bool again = upload->outcome.seen_queued;
    if ((busy || may_begin_yet(upload, seen)) && upload_poll_later(upload, plan))
        return STEP_WAIT;
    if (answer_is_lost(upload) && !busy && is_stored(upload, seen))
        return check_stored(upload, seen);
    if (again && is_untouched(seen) && upload_may_resend(upload))
        return upload_resend(upload);
    upload->outcome.still_busy = busy;
    return note_and_tell(upload, seen->status);
}

enum step_result upload_find_outcome(struct upload_flow *upload)
{
    struct image seen = {0};
    if (upload->x.entering)
        upload->poll.began_ms = clock_ms();
    const struct poll_plan plan = plan_for(upload);
    switch (upload_poll(upload, &plan, &seen)) {
    case POLL_WAIT:
        return STEP_WAIT;
    case POLL_GONE:
        return note_and_tell(upload, "deleted");
    case POLL_SEEN:
        break;
    default:
        return tell(upload);
    }
    enum step_result result = check(upload, &plan, &seen);
    image_free(&seen);
    return result;
}
