/* SPDX-License-Identifier: Apache-2.0 */
/* A real exchange in the middle of its steps. The client is the test's, and a test puts the answers
 * of Glance and of a gateway where the exchange expects them. Tests reach the exchange through the
 * functions below, not by its members. Include after <cmocka.h>. */
#ifndef EXCHANGE_FIXTURE_H
#define EXCHANGE_FIXTURE_H

#include "exchange/core/exchange_priv.h"
#include "exchange/ingest/ingest_steps.h"
#include "exchange/relay/relay_steps.h"
#include "exchange/upload/upload_steps.h"
#include "intake/clock.h"
#include "intake/inspection.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/networks.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/upload_locks.h"
#include "support/policies.h"
#include "unit/exchange/scripted_client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the exchange ---------------------------------------------------------------------- */

struct fixture {
    struct client client;
    struct settings settings; /* the defaults that an upload needs */
    struct snapshot snapshot;
    struct exchange_parts parts;
    struct inspection inspection;
    struct exchange *x;
    struct upload_flow *upload; /* NULL: it is no upload */
    struct ingest_flow *ingest; /* NULL: it is an upload */
    struct image_check *check;  /* of either kind */
    struct image *image;        /* as Glance has described it */
    struct policy_decision *decision;
    struct upload_head *head; /* NULL: it is no upload, likewise the next four */
    struct upload_size *size;
    struct send_state *send;
    struct outcome *outcome;
    struct usage *usage;
    struct json_body *json; /* NULL: it is an upload */
    struct headers out;     /* for what a test asks for */
    const char *rest;       /* of the body */
    const char *log;
};

static inline void fixture_settings(struct fixture *fixture)
{
    static char *nowhere[] = {"http://127.0.0.1:1"}; /* nothing is sent before the loop runs */
    fixture->settings.listen.stall_timeout = 60000;
    fixture->settings.listen.max_request_body = 1 << 20;
    fixture->settings.glance.endpoints = nowhere;
    fixture->settings.glance.endpoint_count = 1;
    fixture->settings.glance.connect_timeout = 5000;
    fixture->settings.glance.stall_timeout = 60000;
    fixture->settings.upload.max_size = UINT64_C(1) << 40;
    fixture->settings.upload.fix_content_type = true;
    fixture->settings.upload.unwrap_multipart = true;
    fixture->settings.upload.unknown_length = UNKNOWN_LENGTH_SPOOL;
    fixture->settings.upload.spool_limit = 1;
    fixture->settings.upload.checks.damaged = CHECK_WARN;
    fixture->settings.upload.verify = VERIFY_DIGEST;
    fixture->settings.upload.check_quota = true;
}

static inline void fixture_parts(struct fixture *fixture)
{
    struct exchange_parts *parts = &fixture->parts;
    parts->loop = loop_new();
    parts->glance = parts->loop ? glance_new(parts->loop) : NULL;
    parts->metrics = metrics_new();
    parts->records = parts->metrics ? records_new(parts->metrics) : NULL;
    parts->spools = spools_new(NULL); /* none is filled */
    parts->upload_locks = upload_locks_new();
    parts->stores = stores_new();
    parts->capacity = capacity_new();
    parts->quota_reservations = quota_reservations_new();
    parts->inspection = &fixture->inspection;
    assert_true(parts->glance && parts->records && parts->spools && parts->upload_locks &&
                parts->stores && parts->capacity && parts->quota_reservations);
}

/* All but the exchange. The client has sent `fields`: names and values in turn, up to NULL. */
static inline void fixture_prepare(struct fixture *fixture, void **state, const char *const *fields)
{
    *fixture = (struct fixture){0};
    struct headers *headers = &fixture->client.head.headers;
    for (; *fields; fields += 2)
        assert_true(headers_add(headers, fields[0], fields[1]));
    fixture_settings(fixture);
    fixture_parts(fixture);
    reply_init(&fixture->client.answer);
    fixture->log = scratch_path(state, "log");
    unlink(fixture->log);
    assert_true(log_open(LOG_FORMAT_TEXT, false, fixture->log));
    fixture->snapshot.settings = &fixture->settings;
    fixture->parts.snapshot = &fixture->snapshot;
}

static inline struct request_facts fixture_request(struct fixture *fixture, enum route_kind route)
{
    struct request_facts request = {.id = "req-1", .route = {.kind = route, .image_id = "image"}};
    const struct origin_facts facts = {.peer = "192.0.2.7", .trusted = &(struct networks){0}};
    const char *fault;
    assert_true(origin_find(&fixture->client.head.headers, &facts, &request.origin, &fault) &&
                !fault);
    return request;
}

static inline void fixture_set_check(struct fixture *fixture, struct image_check *check)
{
    fixture->check = check;
    fixture->image = &check->image;
    fixture->decision = &check->decision;
}

/* The client asks for this store; NULL: for none. */
static inline void fixture_request_store(struct fixture *fixture, const char *store)
{
    free(fixture->check->requested_store);
    fixture->check->requested_store = store ? strdup(store) : NULL;
}

/* An upload by `route`, to the store "test" by the rule "default". */
static inline void fixture_begin_route(struct fixture *fixture, void **state, enum route_kind route,
                                       const char *const *fields)
{
    fixture_prepare(fixture, state, fields);
    struct request_facts request = fixture_request(fixture, route);
    fixture->x = exchange_new(&fixture->parts, &fixture->client, &UPLOAD_KIND, &request);
    assert_non_null(fixture->x);
    fixture->upload = upload_of(fixture->x);
    fixture->head = &fixture->upload->head;
    fixture->size = &fixture->upload->size;
    fixture->send = &fixture->upload->send;
    fixture->outcome = &fixture->upload->outcome;
    fixture->usage = &fixture->upload->quota.usage;
    fixture_set_check(fixture, &fixture->upload->check);
    assert_true(UPLOAD_KIND.begin(fixture->x));
    assert_true(requested_store(&fixture->client.head.headers, &fixture->check->requested_store));
    *fixture->decision = (struct policy_decision){.rule = "default", .store = "test"};
}

static inline void fixture_begin(struct fixture *fixture, void **state, const char *const *fields)
{
    fixture_begin_route(fixture, state, ROUTE_UPLOAD, fields);
}

/* An import, or the like, with a policy. `length` UINT64_MAX: its body is chunked. */
static inline void fixture_begin_ingest(struct fixture *fixture, void **state,
                                        enum route_kind route, const char *const *fields,
                                        const char *policy, uint64_t length)
{
    fixture_prepare(fixture, state, fields);
    fixture->snapshot.policy = good_policy(state, policy);
    fixture->client.framing.framing = length == UINT64_MAX ? FRAMING_CHUNKED
                                      : length             ? FRAMING_LENGTH
                                                           : FRAMING_NONE;
    fixture->client.framing.length = length == UINT64_MAX ? 0 : length;
    struct request_facts request = fixture_request(fixture, route);
    const struct exchange_kind *kind =
        ingest_kind(fixture->snapshot.policy, &fixture->client, &request);
    fixture->x = exchange_new(&fixture->parts, &fixture->client, kind, &request);
    assert_non_null(fixture->x);
    fixture->ingest = ingest_of(fixture->x);
    fixture->json = &fixture->ingest->body;
    fixture_set_check(fixture, &fixture->ingest->check);
}

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

/* Copies a text into a member that is an array. */
#define fixture_text(field, text) snprintf(field, sizeof(field), "%s", text)

/* Sets what Glance has said of the image. NULL: not set. */
static inline void fixture_image(struct fixture *fixture, const char *status,
                                 const char *disk_format, const char *container_format)
{
    struct image *image = fixture->image;
    image->status = strdup(status);
    image->disk_format = disk_format ? strdup(disk_format) : NULL;
    image->container_format = container_format ? strdup(container_format) : NULL;
}

/* Sets the policy. fixture_end() frees it. */
static inline void fixture_policy(struct fixture *fixture, void **state, const char *text)
{
    policy_free(fixture->snapshot.policy);
    fixture->snapshot.policy = good_policy(state, text);
}

static inline void fixture_end(struct fixture *fixture)
{
    exchange_events.closed(fixture->x, true);
    policy_free(fixture->snapshot.policy);
    headers_free(&fixture->out);
    headers_free(&fixture->client.head.headers);
    reply_free(&fixture->client.answer);
    glance_free(fixture->parts.glance);
    loop_free(fixture->parts.loop);
    records_free(fixture->parts.records);
    metrics_free(fixture->parts.metrics);
    spools_free(fixture->parts.spools);
    upload_locks_free(fixture->parts.upload_locks);
    stores_free(fixture->parts.stores);
    capacity_free(fixture->parts.capacity);
    quota_reservations_free(fixture->parts.quota_reservations);
}

static inline int fixture_over(void **state)
{
    return log_open(LOG_FORMAT_TEXT, false, "") ? scratch_end(state) : -1;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_begin, fixture_over)

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

enum fixture_question {
    QUESTION_IMAGE,
    QUESTION_USAGE,
    QUESTION_STORES,
    QUESTION_BUCKET,
    QUESTION_CORS
};

static inline struct fetch *fixture_question(const struct fixture *fixture,
                                             enum fixture_question question)
{
    switch (question) {
    case QUESTION_IMAGE:
        return &fixture->check->image_question;
    case QUESTION_STORES:
        return &fixture->check->stores_question;
    case QUESTION_USAGE:
        return &fixture->upload->quota.question;
    case QUESTION_BUCKET:
        return &fixture->upload->capacity.question;
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
