/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /upload/NAME, and POST of a form: an upload that makes its own image. It is an upload like
 * any other once the image exists, and has the same steps from there on.
 *
 *   step       file                what it does
 *   login      login.c             who asks, for which project
 *   admit      admit.c             checks the address and the head
 *   preflight  foresee.c           asks Glance for the project's usage and the stores
 *   repeat     repeat.c            answers with the image that is there, if this was sent before
 *   foresee    foresee.c           asks the policy, if what is known suffices for an answer
 *   room       check_capacity.c    reserves space in the store, if that is known
 *   quota      check_quota.c       checks the project's quota
 *   share      wait_share.c        waits for its share, and
 *   queue      wait_place.c        for a place at an endpoint, if the policy has decided
 *   invite     here                sends 100 Continue, waits for the first byte
 *   find       opening.c           reads the opening of the data, and finds the format in it
 *   decide     foresee.c           asks the policy now that the format is known
 *   share      wait_share.c        waits for its share, if it has none yet
 *   create     create.c            creates the image
 *   judge ...  exchange/upload/    as for any other upload; the policy decides by what Glance says
 *   show       answer.c            asks for the finished image
 *   answer     answer.c            answers 201 with it
 *
 * The image goes with the upload: when the upload fails or loses its client, at whatever step, the
 * image is deleted (removal.c). */
#include "exchange/core/log_in.h"
#include "exchange/new_image/new_image_flow.h"

#include "intake/client.h"
#include "intake/login.h"
#include "intake/record.h"
#include "intake/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

/* The image gets its id here, so that it can be deleted even if Glance's answer to the creation
 * does not come. */
void new_image_begin(struct new_image_flow *flow)
{
    struct route *route = &flow->upload.x.request.route;
    uuid_t id;
    uuid_generate_random(id);
    route->kind = ROUTE_NEW_IMAGE;
    uuid_unparse_lower(id, route->image_id);
    buffer_init(&flow->json, REPLY_BODY_MAX);
    new_image_read(flow);
}

static bool begin(struct exchange *x)
{
    new_image_begin(new_image_of(x));
    return exchange_begin_record(x, RECORD_FILE);
}

static bool is_decided(struct exchange *x)
{
    return upload_of(x)->check.decision.rule != NULL;
}

/* The caller's own project is the owner of the image. */
static enum step_result wait_share(struct exchange *x)
{
    upload_of(x)->check.may_upload = true;
    if (is_decided(x))
        return upload_wait_share(x);
    records_enter(x->parts->records, x->record);
    return STEP_NEXT;
}

static enum step_result wait_place(struct exchange *x)
{
    return is_decided(x) ? upload_wait_place_early(x) : STEP_NEXT;
}

enum step_result new_image_invite(struct exchange *x)
{
    if (!x->entering)
        return x->body_readable ? STEP_NEXT : STEP_WAIT;
    if (!request_has_body(x->client))
        return STEP_NEXT;
    client_invite(x->client);
    return STEP_WAIT;
}

/* clang-format off */
static const struct step STEPS[] = {
    {"login", new_image_login},
    {"admit", new_image_admit},
    {"preflight", new_image_preflight},
    {"repeat", new_image_repeat},
    {"foresee", new_image_foresee},
    {"room", upload_check_capacity},
    {"quota", upload_check_quota_early},
    {"share", wait_share},
    {"queue", wait_place},
    {"invite", new_image_invite},
    {"find", new_image_open},
    {"decide", new_image_decide},
    {"share", upload_take_share},
    {"create", new_image_create},
    {"judge", upload_check_image},
    {"decide", upload_decide},
    {"room", upload_check_capacity},
    {"prepare", upload_prepare},
    {"settle", upload_reevaluate},
    {"quota", upload_reserve_quota},
    {"room", upload_check_capacity},
    {"queue", upload_wait_place},
    {"turn", upload_wait_turn},
    {"send", upload_send},
    {"count", upload_count_quota},
    {"prove", upload_verify},
    {"show", new_image_show},
    {"answer", new_image_answer},
    {NULL, NULL},
};
/* clang-format on */

/* --- the kind -------------------------------------------------------------------------- */

/* Whether Glance has created the image is waited for, so that it is deleted for certain. */
static bool outlives_client(const struct exchange *x)
{
    return x->step->run == new_image_create && x->glance.transfer;
}

static void stop_asking(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    fetch_end(&flow->listing);
    upload_stop_asking(x);
}

/* The record is closed: by the answer that the image is there, or by what went wrong. In the first
 * case the request can be repeated once the client has the answer. */
static void release(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    new_image_undo(flow);
    if (flow->state != NEW_IMAGE_KEPT)
        new_image_end_repetition(flow, NULL);
    upload_release(x);
}

void new_image_end(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    if (flow->state == NEW_IMAGE_KEPT && !x->answer.whole)
        flow->state = NEW_IMAGE_MADE; /* the client does not know of it */
    new_image_undo(flow);
    new_image_end_repetition(flow,
                             flow->state == NEW_IMAGE_KEPT ? x->request.route.image_id : NULL);
    login_free(flow->login);
    new_image_free(&flow->wanted);
    body_free(flow->finder);
    buffer_free(&flow->read);
    buffer_free(&flow->json);
    upload_end(x);
}

static bool add_to_answer(const struct exchange *x, struct headers *out)
{
    return log_in_add_to_answer(((const struct new_image_flow *)x)->login, out);
}

const struct exchange_kind NEW_IMAGE_KIND = {
    .size = sizeof(struct new_image_flow),
    .steps = STEPS,
    .begin = begin,
    .take_more = upload_take_more,
    .outlives_client = outlives_client,
    .stop_asking = stop_asking,
    .release = release,
    .end = new_image_end,
    .add_to_answer = add_to_answer,
    .add_headers = upload_add_headers,
    .describe = upload_describe,
};
