/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about an upload that can be resumed: how much of it there is (HEAD), more of it (PUT
 * with Content-Range, PATCH), and its end (DELETE).
 *
 *   admit      admit.c           checks the head, and answers OPTIONS
 *   preflight  here              asks Glance for the image, with the caller's token
 *   find       here              answers if there is no such upload
 *   may        upload/who_may.c  asks Glance whether the caller may upload to the image
 *   tell       here              answers HEAD and DELETE
 *   judge      judge.c           asks the policy again, and compares the range with the upload
 *   attach     attach.c          passes the bytes on
 *   finish     attach.c          answers with the outcome
 *
 * The upload's own reservations in quota and store stay in force, so they are not made again. */
#include "exchange/resume/resume_steps.h"

#include "exchange/upload/upload_steps.h"
#include "intake/client.h"
#include "intake/resumption.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

bool resume_wanted(const struct exchange_parts *parts, const struct client *client,
                   const struct request_facts *request)
{
    if (parts->snapshot->settings->resume.window == 0)
        return false;
    if (request->route.kind == ROUTE_HELD)
        return true;
    return request->route.kind == ROUTE_UPLOAD && resume_reads_range(client, NULL);
}

static bool begin(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    const struct route *route = &x->request.route;
    bool by_range = route->kind == ROUTE_UPLOAD && resume_reads_range(x->client, resume);
    resume->bridge.watch.fd = -1;
    resume->verb = by_range ? RESUME_SEND : route->verb;
    resume->dialect = by_range ? RESUME_BY_RANGE : route->dialect;
    return image_check_begin(x, &resume->check);
}

/* --- the upload ------------------------------------------------------------------------------ */

static enum step_result preflight(struct exchange *x)
{
    struct image_check *check = &resume_of(x)->check;
    if (x->entering)
        return image_check_ask_image(x, check, FETCH_TIMEOUT_MS) ? STEP_WAIT
                                                                 : exchange_no_memory(x);
    return image_check_wait(x, check);
}

static enum step_result find(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    return resume_find_held(resume) ? STEP_NEXT : resume_answer_without(resume);
}

static enum step_result may(struct exchange *x)
{
    return upload_ask_who_may(x, &resume_of(x)->check);
}

/* --- HEAD and DELETE -------------------------------------------------------------------------- */

static enum step_result drop(struct resume_flow *resume)
{
    struct exchange *x = &resume->x;
    if (!x->entering) {
        enum step_result result = image_check_await_queued(x, &resume->check);
        return result == STEP_NEXT ? resume_say_dropped(resume) : result;
    }
    held_uploads_drop(x->parts->held_uploads, resume->check.image.id, "its client asked for that");
    image_check_begin_await_queued(x, &resume->check);
    return STEP_WAIT;
}

static enum step_result tell(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    if (resume->verb == RESUME_SEND)
        return STEP_NEXT;
    if (resume->verb == RESUME_DROP)
        return drop(resume);
    return resume_find_held(resume) ? resume_tell_offset(resume, &resume->held, false)
                                    : resume_answer_without(resume);
}

/* --- the kind ------------------------------------------------------------------------------ */

static const struct step STEPS[] = {
    {"admit", resume_admit},
    {"preflight", preflight},
    {"find", find},
    {"may", may},
    {"tell", tell},
    {"judge", resume_judge},
    {"attach", resume_attach},
    {"finish", resume_finish},
    {NULL, NULL},
};

static void stop_asking(struct exchange *x)
{
    image_check_stop(x, &resume_of(x)->check);
    bridge_end(x, &resume_of(x)->bridge);
}

/* The upload is held again when the bridge ends. */
static bool hold(struct exchange *x, enum client_loss why)
{
    x->refused.resumable = why == CLIENT_STALLED;
    return false;
}

static void end(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    bridge_end(x, &resume->bridge);
    resumption_release(resume->bridge.resumption);
    image_check_free(&resume->check);
}

const struct exchange_kind RESUME_KIND = {
    .size = sizeof(struct resume_flow),
    .steps = STEPS,
    .begin = begin,
    .take_more = resume_take_more,
    .stop_asking = stop_asking,
    .end = end,
    .hold = hold,
    .add_to_answer = resume_add_to_answer,
    .describe = resume_describe_refusal,
};
