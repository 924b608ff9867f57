/* SPDX-License-Identifier: Apache-2.0 */
/* A real exchange in the middle of its steps. The client is the test's, and a test puts the answers
 * of Glance and of a gateway where the exchange expects them. Tests reach the exchange through the
 * functions below, not by its members. Include after <cmocka.h>. */
#ifndef EXCHANGE_FIXTURE_H
#define EXCHANGE_FIXTURE_H

#include "unit/exchange/fixture_setup.h"

#include <stdio.h>

/* --- its state --------------------------------------------------------------------------- */

/* The record so far. NULL: there is none. */
static inline struct request_record *fixture_record(const struct fixture *fixture)
{
    return fixture->x->record;
}

/* Glance's answer to the upload. */
static inline struct reply *fixture_answer(const struct fixture *fixture)
{
    return &fixture->x->glance.answer;
}

static inline struct refusal_note *fixture_refusal(const struct fixture *fixture)
{
    return &fixture->x->refused;
}

/* The JSON that is buffered. */
static inline struct buffer *fixture_json(const struct fixture *fixture)
{
    return &fixture->ingest->body.text;
}

static inline enum audit fixture_audit_mode(const struct fixture *fixture)
{
    return fixture->x->audit.mode;
}

/* How many violations wait for the rule. */
static inline size_t fixture_pending(const struct fixture *fixture)
{
    return fixture->x->audit.pending_count;
}

/* What was reserved in the project's quota. */
static inline struct quota_reservation *fixture_reservation(const struct fixture *fixture)
{
    return &fixture->upload->quota.reservation;
}

static inline const struct upload_lock *fixture_lock(const struct fixture *fixture)
{
    return fixture->check->lock;
}

static inline const struct step *fixture_steps(const struct fixture *fixture)
{
    return fixture->x->kind->steps;
}

/* The name of the current step. NULL: it is over. */
static inline const char *fixture_step(const struct fixture *fixture)
{
    return fixture->x->step ? fixture->x->step->name : NULL;
}

static inline void fixture_audit(struct fixture *fixture, enum audit audit)
{
    fixture->x->audit.mode = audit;
}

/* --- steps ------------------------------------------------------------------------------ */

static inline void fixture_enter(struct fixture *fixture)
{
    fixture->x->entering = true;
}

/* Runs a step as the runner does. */
static inline enum step_result fixture_run(struct fixture *fixture,
                                           enum step_result (*step)(struct exchange *x))
{
    enum step_result result = step(fixture->x);
    fixture->x->entering = false;
    return result;
}

static inline enum step_result fixture_run_named(struct fixture *fixture, const char *name)
{
    const struct step *step = fixture->x->kind->steps;
    while (step->name && strcmp(step->name, name) != 0)
        step++;
    assert_non_null(step->run);
    return fixture_run(fixture, step->run);
}

enum fixture_timer { STEP_TIMER, POLL_TIMER };

static inline struct timer *fixture_timer(const struct fixture *fixture, enum fixture_timer timer)
{
    return timer == STEP_TIMER ? &fixture->x->step_timer : &fixture->upload->poll.timer;
}

static inline bool fixture_is_set(const struct fixture *fixture, enum fixture_timer timer)
{
    return fixture_timer(fixture, timer)->place != 0;
}

static inline void fixture_fire(struct fixture *fixture, enum fixture_timer timer)
{
    fixture_timer(fixture, timer)->fire(fixture_timer(fixture, timer));
}

/* Milliseconds before the latest question. */
static inline uint64_t fixture_poll_wait(const struct fixture *fixture)
{
    return fixture->upload->poll.wait_ms;
}

/* Sets how much of the time of a poll has passed. */
static inline void fixture_poll_since(struct fixture *fixture, uint64_t ms)
{
    fixture->upload->poll.began_ms = clock_ms() - ms;
}

/* --- the body -------------------------------------------------------------------------- */

/* Reads the whole of a small body, then its end. */
static inline ssize_t fixture_read(void *context, void *into, size_t room)
{
    const char **text = context;
    size_t count = strlen(*text) < room ? strlen(*text) : room;
    memcpy(into, *text, count);
    *text += count;
    return (ssize_t)count;
}

/* Makes the body, ready to be read. The image is raw and bare unless Glance has said otherwise. */
static inline void fixture_body(struct fixture *fixture, const char *text, const char *content_type)
{
    const struct image *image = fixture->image;
    const struct body_plan plan = {.read = fixture_read,
                                   .context = &fixture->rest,
                                   .length_known = true,
                                   .length = strlen(text),
                                   .content_type = content_type,
                                   .disk_format = image->disk_format ? image->disk_format : "raw",
                                   .container_format =
                                       image->container_format ? image->container_format : "bare",
                                   .audit = audit_only(fixture->x),
                                   .settings = &fixture->settings,
                                   .checks = fixture->settings.upload.checks};
    fixture->rest = text;
    fixture->upload->body = body_new(&plan);
    assert_non_null(fixture->upload->body);
    assert_int_equal(body_prepare(fixture->upload->body), 1);
}

/* Makes a body that Glance has taken completely. */
static inline void fixture_sent(struct fixture *fixture, const char *text)
{
    static char into[BODY_READ_MIN];
    fixture_body(fixture, text, NULL);
    while (body_read(fixture->upload->body, into, sizeof into) > 0)
        continue;
    assert_int_equal(body_count(fixture->upload->body), strlen(text));
}

/* --- answers of others ----------------------------------------------------------------- */

enum fixture_question { QUESTION_IMAGE, QUESTION_STORES, QUESTION_BUCKET, QUESTION_CORS };

static inline struct fetch *fixture_question(const struct fixture *fixture,
                                             enum fixture_question question)
{
    switch (question) {
    case QUESTION_IMAGE:
        return &fixture->check->image_question;
    case QUESTION_STORES:
        return &fixture->check->stores_question;
    case QUESTION_BUCKET:
        return &fixture->upload->capacity.question.fetch;
    default:
        return &fixture->x->cors.question;
    }
}

static inline void fixture_answered(struct fetch *fetch, unsigned status, const char *body)
{
    fetch_end(fetch);
    *fetch = (struct fetch){.begun = true, .over = true, .result = TRANSFER_ANSWERED};
    reply_init(&fetch->answer);
    fetch->answer.status = status;
    assert_true(buffer_append(&fetch->answer.body, body, strlen(body)));
}

static inline void fixture_broke(struct fetch *fetch, enum transfer_result result)
{
    fixture_answered(fetch, 0, "");
    fetch->result = result;
    strcpy(fetch->detail, "libcurl's words");
}

/* The account of the upload's token. It is opened as the upload does that, so that a question may
 * be under way already. */
static inline struct usage_account *fixture_account(struct fixture *fixture)
{
    struct quota_check *quota = &fixture->upload->quota;
    if (!quota->account)
        assert_true(quota_answer_begin(fixture->upload));
    return quota->account;
}

/* Ends the question for the usage. NULL: with that fault. */
static inline void fixture_tell_usage(struct fixture *fixture, const struct usage *usage,
                                      const char *fault)
{
    struct usage_account *account = fixture_account(fixture);
    assert_true(usage_account_is_asked(account));
    usage_account_end(account, usage, fault);
}

/* --- results --------------------------------------------------------------------------- */

/* `detail` NULL: it was not refused. */
static inline void assert_outcome(const struct fixture *fixture, enum step_result result,
                                  enum refusal refusal, const char *detail)
{
    const struct exchange *x = fixture->x;
    bool refused = result == STEP_REFUSE;
    if (x->refused.reason != refusal || refused != (refusal != REFUSAL_NONE) ||
        strcmp(x->refused.detail, detail ? detail : "") != 0)
        fail_msg("%d: %s: %s", result,
                 x->refused.reason ? refusal_row(x->refused.reason)->name : "good",
                 x->refused.detail);
}

static inline void fixture_log(const struct fixture *fixture, char *text, size_t room)
{
    FILE *file = fopen(fixture->log, "re");
    assert_non_null(file);
    text[fread(text, 1, room - 1, file)] = '\0';
    fclose(file);
}

/* `part` NULL: the log is empty. */
static inline void assert_logged(const struct fixture *fixture, const char *part)
{
    char text[4096];
    fixture_log(fixture, text, sizeof text);
    if (part ? !strstr(text, part) : text[0] != '\0')
        fail_msg("\"%s\" is not in the log: %s", part ? part : "", text);
}

static inline void assert_field(const struct headers *headers, const char *name, const char *value)
{
    const char *got = headers_get(headers, name);
    if (headers_count(headers, name) != (value ? 1 : 0) || (value && strcmp(got, value) != 0))
        fail_msg("%s: %zu, %s", name, headers_count(headers, name), got ? got : "none");
}

#endif
