/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange in the middle of its steps. It is real, and so is all that it works with. The client
 * is the test's, and answers of Glance and of a gateway are put where the exchange expects them.
 * Tests reach the exchange through the functions below, not by its members. Include after
 * <cmocka.h>. */
#ifndef EXCHANGE_SCENE_H
#define EXCHANGE_SCENE_H

#include "exchange/core/exchange_priv.h"
#include "exchange/ingest/ingest_steps.h"
#include "exchange/relay/relay_steps.h"
#include "exchange/upload/upload_steps.h"
#include "intake/client.h"
#include "intake/clock.h"
#include "intake/inspection.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/networks.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/stream.h"
#include "intake/upload_locks.h"
#include "support/policies.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the client ------------------------------------------------------------------------ */

struct client {
    struct request_head head;
    struct framing_facts framing;
    struct reply answer; /* what it got; status 0: nothing yet */

    /* Of one whose body is read by a step. */
    const char *sends; /* what is left of it; NULL: no step reads it */
    ssize_t then;      /* what client_read() says behind that */
    size_t piece;      /* at most so many bytes at a time; 0: as many as there is room for */
    bool invited, dropped;
};

/* The linker takes all of these, and leaves the listener's in the archive. */

const struct request_head *client_head(const struct client *client)
{
    return &client->head;
}

const struct framing_facts *client_framing(const struct client *client)
{
    return &client->framing;
}

void client_answer(struct client *client, struct reply *reply)
{
    assert_int_equal(client->answer.status, 0);
    client->answer = *reply;
    reply_init(reply);
}

const char *client_fault(const struct client *client)
{
    (void)client;
    return NULL;
}

enum refusal client_refusal(const struct client *client)
{
    (void)client;
    return REFUSAL_NONE;
}

bool client_over_limit(const struct client *client)
{
    (void)client;
    return false;
}

const char *client_peer(const struct client *client)
{
    (void)client;
    return "192.0.2.7";
}

bool client_is_tls(const struct client *client)
{
    (void)client;
    return false;
}

#define NOT_HERE fail_msg("%s() is not for this", __func__)

void client_invite(struct client *client)
{
    assert_non_null(client->sends);
    assert_false(client->invited);
    client->invited = true;
}

ssize_t client_read(struct client *client, void *into, size_t room)
{
    assert_true(client->sends && client->invited);
    size_t count = strlen(client->sends);
    if (count > room)
        count = room;
    if (client->piece && count > client->piece)
        count = client->piece;
    memcpy(into, client->sends, count);
    client->sends += count;
    return count ? (ssize_t)count : client->then;
}

ssize_t client_splice(struct client *client, int pipe, size_t room)
{
    (void)client;
    (void)pipe;
    (void)room;
    NOT_HERE;
    return STREAM_LOST;
}

void client_vouch(struct client *client)
{
    (void)client;
}

void client_drop(struct client *client)
{
    assert_non_null(client->sends);
    client->dropped = true;
}

void client_out_of_memory(struct client *client)
{
    (void)client;
    NOT_HERE;
}

/* How the answer flows is not tested here. */

bool client_body_complete(const struct client *client)
{
    (void)client;
    NOT_HERE;
    return false;
}

bool client_can_stream(const struct client *client)
{
    (void)client;
    NOT_HERE;
    return false;
}

void client_answer_stream(struct client *client, const struct client_stream *stream,
                          struct headers *headers)
{
    (void)client;
    (void)stream;
    (void)headers;
    NOT_HERE;
}

void client_more(struct client *client)
{
    (void)client;
    NOT_HERE;
}

/* Nor has it to do with the client's TLS, which a snapshot of the library's would bring in. The
 * scene's own is neither shared nor freed. */

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    (void)snapshot;
}

/* --- the exchange ---------------------------------------------------------------------- */

struct scene {
    struct client client;
    struct settings settings; /* the defaults, as far as an upload asks for them */
    struct snapshot snapshot;
    struct exchange_parts parts;
    struct inspection inspection;
    struct exchange *x;
    struct upload_flow *upload; /* NULL: it is no upload */
    struct ingest_flow *ingest; /* NULL: it is an upload */
    struct image_check *check;  /* of either */
    struct image *image;        /* as Glance has described it */
    struct policy_decision *decision;
    struct upload_size *size; /* NULL: it is no upload */
    struct usage *usage;      /* likewise */
    struct headers out;       /* for what a test asks for */
    const char *rest;         /* of the body */
    const char *log;
};

static inline void scene_settings(struct scene *scene)
{
    static char *nowhere[] = {"http://127.0.0.1:1"}; /* nothing is sent before the loop runs */
    scene->settings.listen.stall_timeout = 60000;
    scene->settings.glance.endpoints = nowhere;
    scene->settings.glance.endpoint_count = 1;
    scene->settings.glance.connect_timeout = 5000;
    scene->settings.glance.stall_timeout = 60000;
    scene->settings.upload.max_size = UINT64_C(1) << 40;
    scene->settings.upload.fix_content_type = true;
    scene->settings.upload.unwrap_multipart = true;
    scene->settings.upload.unknown_length = UNKNOWN_LENGTH_SPOOL;
    scene->settings.upload.spool_limit = 1;
    scene->settings.upload.checks.damaged = CHECK_WARN;
    scene->settings.upload.verify = VERIFY_DIGEST;
    scene->settings.upload.check_quota = true;
}

static inline void scene_parts(struct scene *scene)
{
    struct exchange_parts *parts = &scene->parts;
    parts->loop = loop_new();
    parts->glance = parts->loop ? glance_new(parts->loop) : NULL;
    parts->metrics = metrics_new();
    parts->records = parts->metrics ? records_new(parts->metrics) : NULL;
    parts->spools = spools_new(NULL); /* none is filled */
    parts->upload_locks = upload_locks_new();
    parts->stores = stores_new();
    parts->capacity = capacity_new();
    parts->quota_reservations = quota_reservations_new();
    parts->inspection = &scene->inspection;
    assert_true(parts->glance && parts->records && parts->spools && parts->upload_locks &&
                parts->stores && parts->capacity && parts->quota_reservations);
}

/* All but the exchange. The client has sent `fields`: names and values in turn, up to NULL. */
static inline void scene_prepare(struct scene *scene, void **state, const char *const *fields)
{
    *scene = (struct scene){0};
    struct headers *headers = &scene->client.head.headers;
    for (; *fields; fields += 2)
        assert_true(headers_add(headers, fields[0], fields[1]));
    scene_settings(scene);
    scene_parts(scene);
    reply_init(&scene->client.answer);
    scene->log = scratch_path(state, "log");
    unlink(scene->log);
    assert_true(log_open(LOG_FORMAT_TEXT, false, scene->log));
    scene->snapshot.settings = &scene->settings;
    scene->parts.snapshot = &scene->snapshot;
}

static inline struct request_facts scene_request(struct scene *scene, enum route_kind route)
{
    struct request_facts request = {.id = "req-1", .route = {.kind = route, .image_id = "image"}};
    const struct origin_facts facts = {.peer = "192.0.2.7", .trusted = &(struct networks){0}};
    const char *fault;
    assert_true(origin_find(&scene->client.head.headers, &facts, &request.origin, &fault) &&
                !fault);
    return request;
}

static inline void scene_set_check(struct scene *scene, struct image_check *check)
{
    scene->check = check;
    scene->image = &check->image;
    scene->decision = &check->decision;
}

/* The client asks for this store; NULL: for none. */
static inline void scene_request_store(struct scene *scene, const char *store)
{
    free(scene->check->requested_store);
    scene->check->requested_store = store ? strdup(store) : NULL;
}

/* An upload by `route`, to the store "test" by the rule "default". */
static inline void scene_begin_route(struct scene *scene, void **state, enum route_kind route,
                                     const char *const *fields)
{
    scene_prepare(scene, state, fields);
    struct request_facts request = scene_request(scene, route);
    scene->x = exchange_new(&scene->parts, &scene->client, &UPLOAD_KIND, &request);
    assert_non_null(scene->x);
    scene->upload = upload_of(scene->x);
    scene->size = &scene->upload->size;
    scene->usage = &scene->upload->quota.usage;
    scene_set_check(scene, &scene->upload->check);
    assert_true(UPLOAD_KIND.begin(scene->x));
    assert_true(requested_store(&scene->client.head.headers, &scene->check->requested_store));
    *scene->decision = (struct policy_decision){.rule = "default", .store = "test"};
}

static inline void scene_begin(struct scene *scene, void **state, const char *const *fields)
{
    scene_begin_route(scene, state, ROUTE_UPLOAD, fields);
}

/* An import, or the like, with a policy. `length` UINT64_MAX: its body is chunked. */
static inline void scene_begin_ingest(struct scene *scene, void **state, enum route_kind route,
                                      const char *const *fields, const char *policy,
                                      uint64_t length)
{
    scene_prepare(scene, state, fields);
    scene->snapshot.policy = good_policy(state, policy);
    scene->client.framing.framing = length == UINT64_MAX ? FRAMING_CHUNKED
                                    : length             ? FRAMING_LENGTH
                                                         : FRAMING_NONE;
    scene->client.framing.length = length == UINT64_MAX ? 0 : length;
    struct request_facts request = scene_request(scene, route);
    const struct exchange_kind *kind =
        ingest_kind(scene->snapshot.policy, &scene->client, &request);
    scene->x = exchange_new(&scene->parts, &scene->client, kind, &request);
    assert_non_null(scene->x);
    scene->ingest = ingest_of(scene->x);
    scene_set_check(scene, &scene->ingest->check);
}

/* The record so far. NULL: there is none. */
static inline struct request_record *scene_record(const struct scene *scene)
{
    return scene->x->record;
}

/* Glance's answer to the upload. */
static inline struct reply *scene_answer(const struct scene *scene)
{
    return &scene->x->glance.answer;
}

static inline struct refusal_note *scene_refusal(const struct scene *scene)
{
    return &scene->x->refused;
}

/* The JSON that is buffered. */
static inline struct buffer *scene_json(const struct scene *scene)
{
    return &scene->ingest->body.text;
}

static inline void scene_audit(struct scene *scene, enum audit audit)
{
    scene->x->audit.mode = audit;
}

/* --- its steps -------------------------------------------------------------------------- */

static inline void scene_enter(struct scene *scene)
{
    scene->x->entering = true;
}

/* As the runner does. */
static inline enum step_result scene_run(struct scene *scene,
                                         enum step_result (*step)(struct exchange *x))
{
    enum step_result result = step(scene->x);
    scene->x->entering = false;
    return result;
}

static inline enum step_result scene_run_named(struct scene *scene, const char *name)
{
    const struct step *step = scene->x->kind->steps;
    while (step->name && strcmp(step->name, name) != 0)
        step++;
    assert_non_null(step->run);
    return scene_run(scene, step->run);
}

enum scene_timer { STEP_TIMER, POLL_TIMER };

static inline struct timer *scene_timer(const struct scene *scene, enum scene_timer timer)
{
    return timer == STEP_TIMER ? &scene->x->step_timer : &scene->upload->poll.timer;
}

static inline bool scene_is_set(const struct scene *scene, enum scene_timer timer)
{
    return scene_timer(scene, timer)->place != 0;
}

static inline void scene_fire(struct scene *scene, enum scene_timer timer)
{
    scene_timer(scene, timer)->fire(scene_timer(scene, timer));
}

/* So much of the time of a poll has passed. */
static inline void scene_poll_since(struct scene *scene, uint64_t ms)
{
    scene->upload->poll.began_ms = clock_ms() - ms;
}

/* Text into one of its fields. */
#define scene_text(field, text) snprintf(field, sizeof(field), "%s", text)

/* What Glance has said of the image. NULL: not set. */
static inline void scene_image(struct scene *scene, const char *status, const char *disk_format,
                               const char *container_format)
{
    struct image *image = scene->image;
    image->status = strdup(status);
    image->disk_format = disk_format ? strdup(disk_format) : NULL;
    image->container_format = container_format ? strdup(container_format) : NULL;
}

/* Its policy, for the end to free. */
static inline void scene_policy(struct scene *scene, void **state, const char *text)
{
    policy_free(scene->snapshot.policy);
    scene->snapshot.policy = good_policy(state, text);
}

static inline void scene_end(struct scene *scene)
{
    exchange_events.closed(scene->x, true);
    policy_free(scene->snapshot.policy);
    headers_free(&scene->out);
    headers_free(&scene->client.head.headers);
    reply_free(&scene->client.answer);
    glance_free(scene->parts.glance);
    loop_free(scene->parts.loop);
    records_free(scene->parts.records);
    metrics_free(scene->parts.metrics);
    spools_free(scene->parts.spools);
    upload_locks_free(scene->parts.upload_locks);
    stores_free(scene->parts.stores);
    capacity_free(scene->parts.capacity);
    quota_reservations_free(scene->parts.quota_reservations);
}

static inline int scene_over(void **state)
{
    return log_open(LOG_FORMAT_TEXT, false, "") ? scratch_end(state) : -1;
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_begin, scene_over)

/* --- its body -------------------------------------------------------------------------- */

/* The whole of a small body, as the client's read() gives it: then its end. */
static inline ssize_t scene_read(void *context, void *into, size_t room)
{
    const char **text = context;
    size_t count = strlen(*text) < room ? strlen(*text) : room;
    memcpy(into, *text, count);
    *text += count;
    return (ssize_t)count;
}

/* Ready to be read. The image is raw and bare, unless Glance has said otherwise. */
static inline void scene_body(struct scene *scene, const char *text, const char *content_type)
{
    const struct image *image = scene->image;
    const struct body_plan plan = {.read = scene_read,
                                   .context = &scene->rest,
                                   .length_known = true,
                                   .length = strlen(text),
                                   .content_type = content_type,
                                   .disk_format = image->disk_format ? image->disk_format : "raw",
                                   .container_format =
                                       image->container_format ? image->container_format : "bare",
                                   .audit = audit_only(scene->x),
                                   .settings = &scene->settings,
                                   .checks = scene->settings.upload.checks};
    scene->rest = text;
    scene->upload->body = body_new(&plan);
    assert_non_null(scene->upload->body);
    assert_int_equal(body_prepare(scene->upload->body), 1);
}

/* Glance has taken all of it. */
static inline void scene_sent(struct scene *scene, const char *text)
{
    static char into[BODY_READ_MIN];
    scene_body(scene, text, NULL);
    while (body_read(scene->upload->body, into, sizeof into) > 0)
        continue;
    assert_int_equal(body_count(scene->upload->body), strlen(text));
}

/* --- what others have answered --------------------------------------------------------- */

enum scene_question {
    QUESTION_IMAGE,
    QUESTION_USAGE,
    QUESTION_STORES,
    QUESTION_BUCKET,
    QUESTION_CORS
};

static inline struct fetch *scene_question(const struct scene *scene, enum scene_question question)
{
    switch (question) {
    case QUESTION_IMAGE:
        return &scene->check->image_question;
    case QUESTION_STORES:
        return &scene->check->stores_question;
    case QUESTION_USAGE:
        return &scene->upload->quota.question;
    case QUESTION_BUCKET:
        return &scene->upload->capacity.question;
    default:
        return &scene->x->cors.question;
    }
}

static inline void scene_answered(struct fetch *fetch, unsigned status, const char *body)
{
    fetch_end(fetch);
    *fetch = (struct fetch){.begun = true, .over = true, .result = TRANSFER_ANSWERED};
    reply_init(&fetch->answer);
    fetch->answer.status = status;
    assert_true(buffer_append(&fetch->answer.body, body, strlen(body)));
}

static inline void scene_broke(struct fetch *fetch, enum transfer_result result)
{
    scene_answered(fetch, 0, "");
    fetch->result = result;
    strcpy(fetch->detail, "libcurl's words");
}

/* --- what came of it ------------------------------------------------------------------- */

/* `detail` NULL: it was not refused. */
static inline void assert_outcome(const struct scene *scene, enum step_result result,
                                  enum refusal refusal, const char *detail)
{
    const struct exchange *x = scene->x;
    bool refused = result == STEP_REFUSE;
    if (x->refused.reason != refusal || refused != (refusal != REFUSAL_NONE) ||
        strcmp(x->refused.detail, detail ? detail : "") != 0)
        fail_msg("%d: %s: %s", result,
                 x->refused.reason ? refusal_row(x->refused.reason)->name : "good",
                 x->refused.detail);
}

static inline void scene_log(const struct scene *scene, char *text, size_t room)
{
    FILE *file = fopen(scene->log, "re");
    assert_non_null(file);
    text[fread(text, 1, room - 1, file)] = '\0';
    fclose(file);
}

/* `part` NULL: the log is empty. */
static inline void assert_logged(const struct scene *scene, const char *part)
{
    char text[4096];
    scene_log(scene, text, sizeof text);
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
