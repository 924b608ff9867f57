/* SPDX-License-Identifier: Apache-2.0 */
/* Which answer about the project's usage an upload goes by.
 *
 * Glance takes 0.6 s to 2 s for an answer, so one that is remembered counts if it is recent: at
 * most 60 s old, or ten minutes if it has no limit that this upload counts against. Usage grows
 * past this proxy only by uploads that Glance checks itself. Uploads through this proxy are counted
 * separately. So a remembered answer may let an upload pass. It may not refuse one: images may have
 * been deleted since. An upload is refused by the answer to a question that began after it came.
 *
 * If no answer comes for ten seconds, the upload goes by the latest one, of up to ten minutes ago.
 * If there is none, the quota is not checked, and the log says so. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/usage_questions.h"

#include <inttypes.h>
#include <sys/param.h>

enum { WAIT_MAX_MS = 10000, RENEW_MS = 45000 };

static bool is_stage(const struct exchange *x)
{
    return x->record->kind == RECORD_STAGE;
}

static void look(struct quota_check *quota, char fault[USAGE_FAULT_MAX])
{
    usage_account_look(quota->account, &quota->answer, fault);
}

static bool is_unlimited(const struct upload_flow *upload)
{
    return usage_is_unlimited(&upload->quota.answer.usage, is_stage(&upload->x));
}

static bool is_recent(const struct upload_flow *upload)
{
    const struct usage_answer *answer = &upload->quota.answer;
    uint64_t recent = is_unlimited(upload) ? USAGE_TRUSTED_MS : USAGE_RECENT_MS;
    return answer->number && answer->age_ms < recent;
}

/* --- asking -------------------------------------------------------------------------------- */

static void ask(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    struct quota_check *quota = &upload->quota;
    uint64_t number = usage_questions_ask(x->parts->usage_questions, quota->account, x->snapshot,
                                          &upload->check.fields);
    if (number)
        quota->own = number;
    else if (!usage_account_is_asked(quota->account))
        quota->own = usage_answers_latest(x->parts->usage_answers); /* it has failed already */
    if (!quota->deadline_ms)
        quota->deadline_ms = clock_ms() + WAIT_MAX_MS;
}

bool quota_answer_begin(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    struct quota_check *quota = &upload->quota;
    if (!x->snapshot->settings->upload.check_quota)
        return true;
    quota->arrived = usage_answers_latest(x->parts->usage_answers);
    quota->account = usage_account_open(x->parts->usage_answers, &upload->check.fields);
    if (!quota->account)
        return false;
    quota->waiter = (struct usage_waiter){.wake = exchange_wake_by, .context = x};
    look(quota, NULL);
    if (!is_recent(upload) || quota->answer.age_ms >= USAGE_RECENT_MS ||
        !quota_answer_has_room(upload, 0, upload->size.known ? upload->size.bytes : 0))
        ask(upload);
    return true;
}

void quota_answer_stop(struct upload_flow *upload)
{
    usage_waiter_end(&upload->quota.waiter);
}

void quota_answer_end(struct upload_flow *upload)
{
    usage_account_close(upload->quota.account);
    upload->quota.account = NULL;
}

/* --- the answer that counts ------------------------------------------------------------------ */

bool quota_answer_has_room(const struct upload_flow *upload, uint64_t others, uint64_t bytes)
{
    const struct usage_answer *answer = &upload->quota.answer;
    char why[USAGE_WORDS];
    struct usage usage = answer->usage;
    usage.image_count_uploading.used += (int64_t)answer->uploads;
    return usage_allows(&usage, is_stage(&upload->x), others, bytes, why);
}

bool quota_answer_may_refuse(const struct quota_check *quota)
{
    return quota->gave_up || quota->answer.number > quota->arrived;
}

/* The remembered answer may be older than the project's uploads through this proxy. It may also
 * count some of them already. So their number is a lower limit, and is not added. */
static void count_own_uploads(struct usage_answer *answer)
{
    struct usage_limit *uploading = &answer->usage.image_count_uploading;
    uploading->used = MAX(uploading->used, (int64_t)answer->uploads_now);
}

/* No answer came in time, or the question of this upload had none. */
static enum quota_answer give_up(struct upload_flow *upload, const char *fault)
{
    struct quota_check *quota = &upload->quota;
    const struct usage_answer *answer = &quota->answer;
    bool remembered = answer->number && answer->age_ms < USAGE_TRUSTED_MS;
    const char *why = *fault ? fault : "its answer takes more than ten seconds";
    quota->gave_up = true;
    usage_waiter_end(&quota->waiter);
    if (remembered)
        request_say(&upload->x.request, LOG_LEVEL_WARNING,
                    "Glance does not tell what the project may upload: %s: what it told %" PRIu64
                    " s ago counts",
                    why, answer->age_ms / 1000);
    else
        request_say(&upload->x.request, LOG_LEVEL_WARNING,
                    "Glance does not tell what the project may upload: %s: not checked", why);
    if (remembered)
        count_own_uploads(&quota->answer);
    else
        quota->answer = (struct usage_answer){0};
    return remembered ? QUOTA_ANSWER_THERE : QUOTA_ANSWER_NONE;
}

/* The question of another upload may have failed for that one's token: this one asks itself. */
static enum quota_answer wait(struct upload_flow *upload, const char *fault)
{
    struct quota_check *quota = &upload->quota;
    bool asked = usage_account_is_asked(quota->account);
    if (!quota->deadline_ms)
        quota->deadline_ms = clock_ms() + WAIT_MAX_MS;
    if (clock_ms() >= quota->deadline_ms)
        return give_up(upload, asked ? "" : fault);
    if (!asked && quota->own > quota->after)
        return give_up(upload, fault);
    usage_questions_wait(upload->x.parts->usage_questions, &quota->waiter);
    if (!asked)
        ask(upload);
    return QUOTA_ANSWER_AWAITED;
}

/* AWAITED: there is none yet; `fault` says why the latest question had none, or is "". */
static enum quota_answer find_known(struct upload_flow *upload, char fault[USAGE_FAULT_MAX])
{
    struct quota_check *quota = &upload->quota;
    if (!quota->account)
        return QUOTA_ANSWER_NONE;
    if (quota->gave_up)
        return quota->answer.number ? QUOTA_ANSWER_THERE : QUOTA_ANSWER_NONE;
    look(quota, fault);
    if (!is_recent(upload) || quota->answer.number <= quota->after)
        return QUOTA_ANSWER_AWAITED;
    usage_waiter_end(&quota->waiter);
    quota->deadline_ms = 0;
    if (quota->answer.number >= quota->own)
        quota->own = 0; /* a later step may ask again */
    return QUOTA_ANSWER_THERE;
}

enum quota_answer quota_answer_find(struct upload_flow *upload)
{
    char fault[USAGE_FAULT_MAX];
    enum quota_answer found = find_known(upload, fault);
    return found == QUOTA_ANSWER_AWAITED ? wait(upload, fault) : found;
}

/* If its own question had no answer, none is asked until the upload has to wait for one. */
enum quota_answer quota_answer_peek(struct upload_flow *upload)
{
    struct quota_check *quota = &upload->quota;
    char fault[USAGE_FAULT_MAX];
    enum quota_answer found = find_known(upload, fault);
    if (found == QUOTA_ANSWER_AWAITED)
        usage_questions_wait(upload->x.parts->usage_questions, &quota->waiter);
    bool old = quota->answer.age_ms >= RENEW_MS && !is_unlimited(upload);
    bool wanted = found == QUOTA_ANSWER_AWAITED || (found == QUOTA_ANSWER_THERE && old);
    if (wanted && !quota->gave_up && quota->own <= quota->after &&
        !usage_account_is_asked(quota->account))
        ask(upload);
    return found;
}

void quota_answer_want_own(struct upload_flow *upload)
{
    upload->quota.after = upload->quota.arrived;
}

void quota_answer_want_newer(struct upload_flow *upload)
{
    struct quota_check *quota = &upload->quota;
    quota->after = usage_answers_latest(upload->x.parts->usage_answers);
    quota->deadline_ms = 0;
}
