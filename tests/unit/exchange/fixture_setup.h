/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning and the end of an exchange in a test. For fixture.h. */
#ifndef EXCHANGE_FIXTURE_SETUP_H
#define EXCHANGE_FIXTURE_SETUP_H

#include "exchange/core/exchange_priv.h"
#include "exchange/ingest/ingest_steps.h"
#include "exchange/relay/relay_steps.h"
#include "exchange/upload/upload_steps.h"
#include "intake/clock.h"
#include "intake/fair_shares.h"
#include "intake/inspection.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/networks.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/upload_locks.h"
#include "intake/upload_queue.h"
#include "intake/usage_questions.h"
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
    struct upload_head *head; /* NULL: it is no upload, likewise the next three */
    struct upload_size *size;
    struct send_state *send;
    struct outcome *outcome;
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
    fixture->settings.access_log = ACCESS_LOG_UPLOADS;
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
    parts->upload_queue = upload_queue_new(NULL);
    parts->fair_shares = fair_shares_new();
    parts->capacity = capacity_new();
    parts->quota_reservations = quota_reservations_new();
    parts->inspection = &fixture->inspection;
    parts->usage_answers = usage_answers_new();
    assert_true(parts->glance && parts->upload_queue && parts->records && parts->spools &&
                parts->upload_locks && parts->stores && parts->capacity && parts->fair_shares &&
                parts->quota_reservations && parts->usage_answers);
    parts->usage_questions = usage_questions_new(parts->loop, parts->glance, parts->usage_answers,
                                                 parts->quota_reservations);
    assert_non_null(parts->usage_questions);
}

/* All but the exchange. The client has sent `fields`: names and values in turn, up to NULL. */
static inline void fixture_prepare(struct fixture *fixture, void **state, const char *const *fields)
{
    *fixture = (struct fixture){0};
    struct headers *headers = &fixture->client.head.headers;
    fixture->client.head.method = "PUT";
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
    usage_questions_free(fixture->parts.usage_questions);
    glance_free(fixture->parts.glance);
    loop_free(fixture->parts.loop);
    records_free(fixture->parts.records);
    metrics_free(fixture->parts.metrics);
    spools_free(fixture->parts.spools);
    upload_locks_free(fixture->parts.upload_locks);
    stores_free(fixture->parts.stores);
    capacity_free(fixture->parts.capacity);
    quota_reservations_free(fixture->parts.quota_reservations);
    usage_answers_free(fixture->parts.usage_answers);
    upload_queue_free(fixture->parts.upload_queue);
    fair_shares_free(fixture->parts.fair_shares);
}

static inline int fixture_over(void **state)
{
    return log_open(LOG_FORMAT_TEXT, false, "") ? scratch_end(state) : -1;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_begin, fixture_over)

#endif
