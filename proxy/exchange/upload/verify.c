/* SPDX-License-Identifier: Apache-2.0 */
/* After Glance's answer: it says that the image is stored, and is that true (proxy/verify/)? What
 * cannot be found out, since the token has expired in a long upload for instance, does not make a
 * failure of a good upload. Where Glance has failed, find_outcome.c looks at what is left.
 *
 * Where the policy only watches, the store was the client's to choose, or Glance's: there the image
 * tells which one it was. */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/log.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stores.h"
#include "intake/verify.h"

#include <stdio.h>
#include <string.h>

/* Glance sets the status before it answers a success. */
static const struct poll_plan AFTER_SUCCESS = {
    .timeout_ms = 30000, .wait_ms = 250, .wait_max_ms = 2000};

static const char *why_not(const struct fetch *fetch)
{
    if (!fetch_answered(fetch))
        return "Glance does not tell what it has stored";
    switch (fetch->answer.status) {
    case 200:
        return "what Glance says of the image cannot be read";
    case 401:
        return "the token has expired";
    case 403:
    case 404:
        return "the caller may not see the image any more";
    default:
        return "Glance fails to tell what it has stored";
    }
}

static void cannot_verify(struct exchange *x)
{
    log_say(LOG_LEVEL_WARNING, "%s: not verified: %s", x->request.id, why_not(&x->image_asked));
}

static enum step_result compare(struct exchange *x, const struct image *seen)
{
    char why[VERIFY_WORDS];
    switch (upload_compare(x, seen, why)) {
    case VERIFY_GOOD:
        return STEP_NEXT;
    case VERIFY_WAIT:
        if (upload_poll_later(x, &AFTER_SUCCESS))
            return STEP_WAIT;
        snprintf(x->record->image_after, sizeof x->record->image_after, "%.32s", seen->status);
        snprintf(why, sizeof why, "Glance answered %u, and the image is still %s",
                 x->glance.answer.status, x->record->image_after);
        break;
    default:
        break;
    }
    x->record->verified[0] = '\0';
    return report_violation_for(x, REFUSAL_VERIFY_FAILED, "%s", why);
}

/* For the record only: without memory for it a good upload is no failure. */
static void learn_store(struct exchange *x, const struct image *seen)
{
    if (audit_only(x) && seen->stores && *seen->stores)
        records_decided(x->parts->records, x->record, x->record->rule, seen->stores);
}

static void learn_ways(struct exchange *x, const struct image *seen)
{
    if (seen->os_hash_algo)
        stores_learn_algorithm(x->parts->stores, seen->os_hash_algo);
    if (x->record->kind == RECORD_STAGE && strcmp(seen->status, "uploading") == 0)
        stores_learn_stage_size(x->parts->stores, seen->size_known);
}

static enum step_result verify(struct exchange *x)
{
    struct image seen = {0};
    switch (upload_poll(x, &AFTER_SUCCESS, &seen)) {
    case POLL_WAIT:
        return STEP_WAIT;
    case POLL_SEEN:
        break;
    default:
        cannot_verify(x);
        return STEP_NEXT;
    }
    learn_ways(x, &seen);
    learn_store(x, &seen);
    enum step_result compared = compare(x, &seen);
    image_free(&seen);
    return compared;
}

enum step_result upload_verify(struct exchange *x)
{
    bool stored = !x->failure && x->glance.answer.status / 100 == 2;
    bool failed = x->failure || x->glance.answer.status >= 500;
    if (inspected_refused(x))
        return inspected_look(x);
    if (stored)
        inspected_taken(x);
    if (stored)
        return x->snapshot->settings->upload.verify == VERIFY_OFF ? STEP_NEXT : verify(x);
    return failed ? upload_find_outcome(x) : STEP_NEXT;
}
