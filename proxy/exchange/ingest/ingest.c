/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that bring data into a store without an upload.
 *
 *   POST .../locations, POST /v2/tasks   open to this client, or refused unread
 *   PATCH /v2/images/{id}                if locations are closed, buffered and checked for them
 *   POST .../import                      buffered, and decided by the image's rule (import.c)
 *
 * What may pass goes on as a relay (relay/relay.c). */
#include "exchange/ingest/ingest_steps.h"

#include "intake/client.h"
#include "intake/ingest.h"
#include "intake/memory.h"
#include "intake/record.h"
#include "intake/snapshot.h"

#include <string.h>

static enum step_result report_ingest(struct exchange *x)
{
    static const char *const details[] = {
        [ROUTE_UPDATE] = "to change the locations of an image points it at data that did not come "
                         "through here, and that is closed",
        [ROUTE_LOCATIONS] = "POST .../locations points an image at data that did not come through "
                            "here, and that is closed",
        [ROUTE_TASKS] = "a task can import data that does not come through here, and tasks are "
                        "closed",
    };
    return ingest_report(x, REFUSAL_DENIED_BY_POLICY, details[x->request.route.kind]);
}

/* Does it change the locations? Glance itself takes no other body than JSON. */
static enum step_result check_update(struct exchange *x)
{
    const struct json_body *body = &ingest_of(x)->body;
    bool locations = false;
    if (body->unchecked)
        return STEP_NEXT;
    const char *fault = update_read(buffer_text(&body->text), body->text.len, &locations);
    if (fault == NO_MEMORY)
        return exchange_no_memory(x);
    if (fault)
        return ingest_report(x, REFUSAL_JSON_MALFORMED, fault);
    return locations ? report_ingest(x) : STEP_NEXT;
}

/* --- the kinds ----------------------------------------------------------------------------- */

static void stop_asking(struct exchange *x)
{
    image_check_stop(x, &ingest_of(x)->check);
}

static void release(struct exchange *x)
{
    image_check_unlock(&ingest_of(x)->check);
}

static void end(struct exchange *x)
{
    struct ingest_flow *ingest = ingest_of(x);
    relay_end(x);
    image_check_free(&ingest->check);
    buffer_body_free(x->parts, &ingest->body);
}

static void describe(const struct exchange *x, struct refusal_context *out)
{
    image_check_describe(&((const struct ingest_flow *)x)->check, out);
}

static const struct step CLOSED_STEPS[] = {{"object", report_ingest},
                                           {"invite", relay_send_continue},
                                           {"forward", relay_forward},
                                           {NULL, NULL}};

static const struct step UPDATE_STEPS[] = {
    {"hold", buffer_body}, {"look", check_update}, {"forward", relay_forward}, {NULL, NULL}};

static const struct step IMPORT_STEPS[] = {
    {"begin", import_begin},  {"hold", buffer_body},      {"preflight", import_preflight},
    {"judge", import_decide}, {"forward", relay_forward}, {NULL, NULL}};

/* Glance reads these paths in one spelling only. */
#define INGEST_KIND(list)                                                                          \
    {                                                                                              \
        .base = {.size = sizeof(struct ingest_flow),                                               \
                 .steps = (list),                                                                  \
                 .stop_asking = stop_asking,                                                       \
                 .release = release,                                                               \
                 .end = end,                                                                       \
                 .describe = describe},                                                            \
        .canonical = true, .read_buffered = buffer_body_read,                                      \
        .change_headers = import_change_headers, .rewritten = import_rewritten,                    \
    }

static const struct relay_kind CLOSED = INGEST_KIND(CLOSED_STEPS), OPEN = INGEST_KIND(RELAY_STEPS),
                               UPDATE = INGEST_KIND(UPDATE_STEPS),
                               IMPORT = INGEST_KIND(IMPORT_STEPS);

/* Glance answers 415 to an update of any other type; to one with several, it depends. */
static bool may_be_update(const struct client *client)
{
    const struct headers *headers = &client_head(client)->headers;
    const char *type = headers_get(headers, "Content-Type");
    return headers_count(headers, "Content-Type") > 1 || (type && strcasestr(type, "json-patch"));
}

static const struct relay_kind *relay_kind_of(const struct policy *policy,
                                              const struct client *client,
                                              const struct request_facts *request)
{
    enum route_kind route = request->route.kind;
    enum policy_ingest ingest =
        route == ROUTE_TASKS ? POLICY_INGEST_TASKS : POLICY_INGEST_LOCATIONS;
    if (route == ROUTE_IMPORT) /* without a body there is nothing to import by */
        return request_has_body(client) ? &IMPORT : &OPEN;
    if (policy_ingest_open(policy, ingest, request->origin.address))
        return &OPEN;
    if (route == ROUTE_UPDATE)
        return request_has_body(client) && may_be_update(client) ? &UPDATE : &OPEN;
    return &CLOSED;
}

const struct exchange_kind *ingest_kind(const struct policy *policy, const struct client *client,
                                        const struct request_facts *request)
{
    return &relay_kind_of(policy, client, request)->base;
}
