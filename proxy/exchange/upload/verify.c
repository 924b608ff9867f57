/* SPDX-License-Identifier: Apache-2.0 */
/* After Glance's answer: is the image stored as it was sent (proxy/verify/)? What cannot be found
 * out, for instance because the token has expired, does not make a good upload a failure. After a
 * failure of Glance, find_outcome.c finds out the state of the image.
 *
 * In audit mode the client chose the store, or Glance did: then the image tells which one. */
#include "exchange/upload/upload_steps.h"

#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <string.h>

/* Glance sets the status before it answers 2xx. */
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

static void cannot_verify(const struct upload_flow *upload)
{
    request_say(&upload->x.request, LOG_LEVEL_WARNING, "not verified: %s",
                why_not(&upload->check.image_question));
}

static enum step_result compare(struct upload_flow *upload, const struct image *seen)
{
    char why[VERIFY_WORDS];
    struct exchange *x = &upload->x;
    switch (upload_compare(upload, seen, why)) {
    case VERIFY_GOOD:
        return STEP_NEXT;
    case VERIFY_WAIT:
        if (upload_poll_later(upload, &AFTER_SUCCESS))
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

/* For the record only, so a lack of memory is no failure. */
static void learn_store(struct exchange *x, const struct image *seen)
{
    if (audit_only(x) && seen->stores && *seen->stores)
        records_decided(x->parts->records, x->record, x->record->rule, seen->stores);
}

/* How this Glance works, for later uploads. */
static void learn_ways(struct exchange *x, const struct image *seen)
{
    if (seen->os_hash_algo)
        stores_learn_algorithm(x->parts->stores, seen->os_hash_algo);
    if (x->record->kind == RECORD_STAGE && strcmp(seen->status, "uploading") == 0)
        stores_learn_stage_size(x->parts->stores, seen->size_known);
}

static enum step_result verify(struct upload_flow *upload)
{
    struct image seen = {0};
    switch (upload_poll(upload, &AFTER_SUCCESS, &seen)) {
    case POLL_WAIT:
        return STEP_WAIT;
    case POLL_SEEN:
        break;
    default:
        cannot_verify(upload);
        return STEP_NEXT;
    }
    learn_ways(&upload->x, &seen);
    learn_store(&upload->x, &seen);
    enum step_result compared = compare(upload, &seen);
    image_free(&seen);
    return compared;
}

enum step_result upload_verify(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    unsigned status = x->glance.answer.status;
    bool stored = !upload->outcome.failure && status / 100 == 2;
    bool failed = upload->outcome.failure || status >= 500;
    if (is_late_refusal(upload))
        return late_refusal_see_image(upload);
    if (stored)
        late_refusal_learn_taken(upload);
    if (stored)
        return x->snapshot->settings->upload.verify == VERIFY_OFF ? STEP_NEXT : verify(upload);
    return failed ? upload_find_outcome(upload) : STEP_NEXT;
}
