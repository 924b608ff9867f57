/* SPDX-License-Identifier: Apache-2.0 */
/* Asks Glance for the image and its stores, with the caller's own token.
 *
 * Only the image must be answered. If Glance has no stores to tell of, there is nothing to check.
 * If it fails to tell, the request goes on, and the log says so. */
#include "exchange/upload/image_check.h"

#include "intake/client.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORES_TIMEOUT_MS = 10000, WHY_MAX = 128 };

bool image_check_begin(const struct exchange *x, struct image_check *check)
{
    const char *agent = headers_get(&client_head(x->client)->headers, "User-Agent");
    headers_free(&check->fields);
    free(check->user_agent);
    check->user_agent = agent ? strdup(agent) : NULL;
    return headers_for_question(x, &check->fields) && (!agent || check->user_agent);
}

/* --- the questions ------------------------------------------------------------------------- */

bool image_check_ask(struct exchange *x, const struct headers *fields, struct fetch *fetch,
                     const char *target, uint64_t timeout_ms)
{
    const struct upstream_request request = {.method = "GET",
                                             .target = target,
                                             .headers = fields,
                                             .timeout = timeout_ms,
                                             .together = &x->glance.same_endpoint};
    return fetch_start(fetch, x->parts->glance, x->snapshot->settings, &request, exchange_wake_by,
                       x);
}

bool image_check_ask_image(struct exchange *x, struct image_check *check, uint64_t timeout_ms)
{
    char target[IMAGE_ID_MAX + sizeof "/v2/images/"];
    snprintf(target, sizeof target, "/v2/images/%s", x->request.route.image_id);
    fetch_end(&check->image_question);
    return image_check_ask(x, &check->fields, &check->image_question, target, timeout_ms);
}

bool image_check_ask_stores(struct exchange *x, struct image_check *check)
{
    return stores_fresh(x->parts->stores) ||
           image_check_ask(x, &check->fields, &check->stores_question, "/v2/info/stores",
                           STORES_TIMEOUT_MS);
}

/* --- the answers --------------------------------------------------------------------------- */

/* Why there is no answer that can be used, for the log. */
static void say_why(const struct fetch *fetch, char why[WHY_MAX])
{
    if (fetch_answered(fetch))
        snprintf(why, WHY_MAX, "it answers %u", fetch->answer.status);
    else
        snprintf(why, WHY_MAX, "%s", fetch->too_long ? "its answer is too long" : fetch->detail);
}

bool image_check_was_told(const struct exchange *x, const struct fetch *fetch, const char *what)
{
    if (!fetch->begun || (fetch_answered(fetch) && fetch->answer.status == 404))
        return false;
    if (fetch_answered(fetch) && fetch->answer.status == 200)
        return true;
    char why[WHY_MAX];
    say_why(fetch, why);
    request_say(&x->request, LOG_LEVEL_WARNING, "Glance does not tell %s: %s: not checked", what,
                why);
    return false;
}

/* All uploads of the worker learn from one answer. After a failure the next upload asks. */
static void take_stores(const struct exchange *x, struct fetch *fetch)
{
    const struct buffer *body = &fetch->answer.body;
    struct stores *stores = x->parts->stores;
    if (!fetch->begun)
        return;
    if (image_check_was_told(x, fetch, "its stores")) {
        if (!stores_learn(stores, buffer_text(body), body->len))
            request_say(&x->request, LOG_LEVEL_WARNING,
                        "the answer to /v2/info/stores cannot be read");
    } else if (fetch_answered(fetch) && fetch->answer.status == 404) {
        stores_learn_nothing(stores);
    } else {
        stores_unanswered(stores);
    }
    stores_tell_missing(stores, x->snapshot->policy);
    fetch_end(fetch);
}

bool image_check_take_stores(struct exchange *x, struct image_check *check)
{
    if (image_check_is_waiting(&check->stores_question))
        return false;
    take_stores(x, &check->stores_question);
    return true;
}

/* Before the client gets its answer, so that its next upload asks again. */
static void give_up_stores(const struct exchange *x, struct fetch *fetch)
{
    if (fetch->begun)
        stores_unanswered(x->parts->stores);
    fetch_end(fetch);
}

static enum step_result pass_refusal(struct exchange *x, struct fetch *fetch)
{
    reply_free(&x->glance.answer);
    x->glance.answer = fetch->answer;
    reply_init(&fetch->answer);
    if (x->record)
        x->record->glance_status = x->glance.answer.status;
    return glance_pass_answer(x);
}

static enum step_result refuse_without_answer(struct exchange *x, const struct fetch *fetch)
{
    char why[WHY_MAX];
    say_why(fetch, why);
    request_say(&x->request, LOG_LEVEL_WARNING, "Glance: %s", why);
    return glance_refuse(x, fetch->result, fetch->too_long ? ANSWER_TOO_LONG : ANSWER_WHOLE);
}

enum step_result image_check_judge(struct exchange *x, struct fetch *fetch)
{
    if (!fetch_answered(fetch))
        return refuse_without_answer(x, fetch);
    if (fetch->answer.status != 401)
        client_vouch(x->client);
    if (fetch->answer.status / 100 != 2) /* a success would look like the upload's */
        return pass_refusal(x, fetch);
    return STEP_NEXT;
}

static enum step_result take_image(struct exchange *x, struct image_check *check)
{
    const struct fetch *fetch = &check->image_question;
    headers_free(&check->cors);
    if (fetch_answered(fetch) && !cors_copy(&fetch->answer.headers, &check->cors))
        return exchange_no_memory(x);
    enum step_result judged = image_check_judge(x, &check->image_question);
    if (judged != STEP_NEXT)
        return judged;
    bool read = image_check_read(check, &check->image);
    if (check->image.no_memory)
        return exchange_no_memory(x);
    if (!read)
        return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED,
                                   "what it says of the image cannot be read");
    return STEP_NEXT;
}

bool image_check_read(const struct image_check *check, struct image *seen)
{
    const struct fetch *fetch = &check->image_question;
    const struct buffer *body = &fetch->answer.body;
    return fetch_answered(fetch) && fetch->answer.status == 200 &&
           image_parse(buffer_text(body), body->len, seen);
}

enum step_result image_check_take_image(struct exchange *x, struct image_check *check)
{
    enum step_result result = take_image(x, check);
    fetch_end(&check->image_question);
    return result;
}

enum step_result image_check_wait(struct exchange *x, struct image_check *check)
{
    const struct fetch *image = &check->image_question;
    if (image_check_is_waiting(image))
        return STEP_WAIT;
    bool good = fetch_answered(image) && image->answer.status == 200;
    if (good && image_check_is_waiting(&check->stores_question))
        return STEP_WAIT;
    if (good)
        take_stores(x, &check->stores_question);
    else
        give_up_stores(x, &check->stores_question);
    return image_check_take_image(x, check);
}

/* --- the end ------------------------------------------------------------------------------- */

void image_check_stop(struct exchange *x, struct image_check *check)
{
    give_up_stores(x, &check->stores_question);
    fetch_end(&check->image_question);
}

void image_check_free(struct image_check *check)
{
    headers_free(&check->fields);
    headers_free(&check->cors);
    image_free(&check->image);
    free(check->requested_store);
    free(check->user_agent);
}
