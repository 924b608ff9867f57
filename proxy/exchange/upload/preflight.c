/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of Glance before an upload, all with the caller's own token, and all at once: the
 * image, what its project may still upload, and, if that is not fresh, which stores there are. For
 * an import the quota is not asked for: nobody knows its size but Glance, which checks it.
 *
 * Usage is heard last: for that, Glance asks Keystone for every limit there is, which takes longer
 * than all else before an upload, and an upload that is refused for another reason does not wait.
 *
 * Only the image must be answered. Where Glance has no limits or no stores to tell of there is
 * nothing to check; where it fails to tell, the upload goes on, and the log says so. */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/log.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stores.h"

#include <stdio.h>
#include <string.h>

/* What an upload can do without must not hold it up for long. */
enum { ASIDE_MS = 10000 };

static bool ask(struct exchange *x, struct fetch *fetch, const char *target, uint64_t timeout_ms)
{
    const struct upstream_request request = {.method = "GET",
                                             .target = target,
                                             .headers = &x->ask_fields,
                                             .timeout = timeout_ms,
                                             .together = &x->same_endpoint};
    return fetch_start(fetch, x->parts->glance, x->snapshot->settings, &request, exchange_wake_by,
                       x);
}

bool upload_ask_image(struct exchange *x, uint64_t timeout_ms)
{
    char target[IMAGE_ID_MAX + sizeof "/v2/images/"];
    snprintf(target, sizeof target, "/v2/images/%s", x->request.route.image_id);
    fetch_end(&x->image_asked);
    return ask(x, &x->image_asked, target, timeout_ms);
}

bool upload_ask_usage(struct exchange *x)
{
    x->usage_mark = quota_reservations_mark(x->parts->quota_reservations);
    return ask(x, &x->usage_asked, "/v2/info/usage", ASIDE_MS);
}

static bool ask_all(struct exchange *x)
{
    bool stage = x->request.route.kind == ROUTE_STAGE;
    bool sends = x->request.route.kind != ROUTE_IMPORT;
    return headers_for_preflight(x, &x->ask_fields) && upload_ask_image(x, FETCH_TIMEOUT_MS) &&
           (!sends || !x->snapshot->settings->upload.check_quota || upload_ask_usage(x)) &&
           (stage || stores_fresh(x->parts->stores) ||
            ask(x, &x->stores_asked, "/v2/info/stores", ASIDE_MS));
}

static bool is_waiting(const struct fetch *fetch)
{
    return fetch->begun && !fetch->over;
}

enum { WHY_MAX = 128 };

/* What was wrong with it, for the log. */
static void say_why(const struct fetch *fetch, char why[WHY_MAX])
{
    if (fetch_answered(fetch))
        snprintf(why, WHY_MAX, "it answers %u", fetch->answer.status);
    else
        snprintf(why, WHY_MAX, "%s", fetch->too_long ? "its answer is too long" : fetch->detail);
}

/* 404: this Glance does not know the resource, as before it was introduced. */
static bool was_told(struct exchange *x, const struct fetch *fetch, const char *what)
{
    if (!fetch->begun || (fetch_answered(fetch) && fetch->answer.status == 404))
        return false;
    if (fetch_answered(fetch) && fetch->answer.status == 200)
        return true;
    char why[WHY_MAX];
    say_why(fetch, why);
    log_say(LOG_LEVEL_WARNING, "%s: Glance does not tell %s: %s: not checked", x->request.id, what,
            why);
    return false;
}

static void take_usage(struct exchange *x)
{
    const struct buffer *body = &x->usage_asked.answer.body;
    if (was_told(x, &x->usage_asked, "what the project may upload") &&
        !usage_parse(buffer_text(body), body->len, &x->usage))
        log_say(LOG_LEVEL_WARNING, "%s: the answer to /v2/info/usage cannot be read: not checked",
                x->request.id);
    fetch_end(&x->usage_asked);
}

/* All uploads learn from what one of them was told; where that was nothing, the next one asks. */
static void take_stores(struct exchange *x)
{
    const struct fetch *fetch = &x->stores_asked;
    const struct buffer *body = &fetch->answer.body;
    struct stores *stores = x->parts->stores;
    if (!fetch->begun)
        return;
    if (was_told(x, fetch, "its stores")) {
        if (!stores_learn(stores, buffer_text(body), body->len))
            log_say(LOG_LEVEL_WARNING, "%s: the answer to /v2/info/stores cannot be read",
                    x->request.id);
    } else if (fetch_answered(fetch) && fetch->answer.status == 404) {
        stores_learn_nothing(stores);
    } else {
        stores_unanswered(stores);
    }
    stores_tell_missing(stores, x->snapshot->policy);
    fetch_end(&x->stores_asked);
}

/* Before the client hears of it: its next upload is to ask again. */
static void give_up_stores(struct exchange *x)
{
    if (x->stores_asked.begun)
        stores_unanswered(x->parts->stores);
    fetch_end(&x->stores_asked);
}

void upload_end_asking(struct exchange *x)
{
    give_up_stores(x);
    fetch_end(&x->image_asked);
    fetch_end(&x->usage_asked);
    fetch_end(&x->bucket_asked);
}

/* Glance's own refusal, as it came. */
static enum step_result pass_refusal(struct exchange *x)
{
    reply_free(&x->glance.answer);
    x->glance.answer = x->image_asked.answer;
    reply_init(&x->image_asked.answer);
    return upload_pass_answer(x);
}

static enum step_result read_image(struct exchange *x)
{
    const struct fetch *fetch = &x->image_asked;
    const struct reply *answer = &fetch->answer;
    if (!fetch_answered(fetch)) {
        char why[WHY_MAX];
        say_why(fetch, why);
        log_say(LOG_LEVEL_WARNING, "%s: Glance: %s", x->request.id, why);
        return glance_refuse(x, fetch->result, fetch->too_long ? ANSWER_TOO_LONG : ANSWER_WHOLE);
    }
    if (answer->status != 401)
        client_vouch(x->client);
    if (answer->status / 100 != 2) /* a success would look like the upload's */
        return pass_refusal(x);
    bool read = answer->status == 200 &&
                image_parse(buffer_text(&answer->body), answer->body.len, &x->image);
    if (x->image.no_memory)
        return exchange_no_memory(x);
    if (!read)
        return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED,
                                   "what it says of the image cannot be read");
    return STEP_NEXT;
}

enum step_result upload_take_image(struct exchange *x)
{
    enum step_result result = read_image(x);
    fetch_end(&x->image_asked);
    return result;
}

enum step_result upload_preflight(struct exchange *x)
{
    if (x->entering)
        return ask_all(x) ? STEP_WAIT : exchange_no_memory(x);
    if (is_waiting(&x->image_asked))
        return STEP_WAIT;
    bool good = fetch_answered(&x->image_asked) && x->image_asked.answer.status == 200;
    if (good && is_waiting(&x->stores_asked))
        return STEP_WAIT;
    if (good)
        take_stores(x);
    else
        give_up_stores(x);
    return upload_take_image(x);
}

bool upload_hear_usage(struct exchange *x)
{
    if (is_waiting(&x->usage_asked))
        return false;
    take_usage(x);
    return true;
}
