/* SPDX-License-Identifier: Apache-2.0 */
/* What leads data into a store without being an upload.
 *
 *   POST .../locations, POST /v2/tasks   open to this client, or refused unread
 *   PATCH /v2/images/{id}                 read first, where locations are closed: is it about them?
 *   POST .../import                       read first, and judged by the image's rule (import.c)
 *
 * Whatever may pass goes on as everything else does (relay.c). */
#include "exchange/ingest/ingest_steps.h"
#include "exchange/relay/relay_steps.h"
#include "exchange/upload/upload_steps.h"

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
static enum step_result look(struct exchange *x)
{
    bool locations = false;
    if (x->unread)
        return STEP_NEXT;
    const char *fault = update_read(buffer_text(&x->held), x->held.len, &locations);
    if (fault == NO_MEMORY)
        return exchange_no_memory(x);
    if (fault)
        return ingest_report(x, REFUSAL_JSON_MALFORMED, fault);
    return locations ? report_ingest(x) : STEP_NEXT;
}

/* --- which steps ------------------------------------------------------------------------- */

static const struct step CLOSED_STEPS[] = {{"object", report_ingest},
                                           {"invite", relay_send_continue},
                                           {"forward", relay_forward},
                                           {NULL, NULL}};

static const struct step UPDATE_STEPS[] = {
    {"hold", buffer_body}, {"look", look}, {"forward", relay_forward}, {NULL, NULL}};

static const struct step IMPORT_STEPS[] = {{"begin", import_begin},         {"hold", buffer_body},
                                           {"preflight", upload_preflight}, {"judge", import_judge},
                                           {"forward", relay_forward},      {NULL, NULL}};

/* Glance reads these paths in one spelling only. */
#define INGEST_KIND(name)                                                                          \
    {                                                                                              \
        .steps = name, .stop_asking = upload_end_asking, .end = buffer_body_end,                   \
        .canonical = true, .read_held = buffer_body_read, .set_headers = import_fields,            \
    }

static const struct exchange_kind CLOSED = INGEST_KIND(CLOSED_STEPS),
                                  OPEN = INGEST_KIND(RELAY_STEPS),
                                  UPDATE = INGEST_KIND(UPDATE_STEPS),
                                  IMPORT = INGEST_KIND(IMPORT_STEPS);

/* Glance answers 415 to an update of any other type; to one with several, it depends. */
static bool may_be_update(const struct exchange *x)
{
    const struct headers *headers = &client_head(x->client)->headers;
    const char *type = headers_get(headers, "Content-Type");
    return headers_count(headers, "Content-Type") > 1 || (type && strcasestr(type, "json-patch"));
}

const struct exchange_kind *ingest_kind(const struct exchange *x)
{
    enum policy_ingest ingest =
        x->request.route.kind == ROUTE_TASKS ? POLICY_INGEST_TASKS : POLICY_INGEST_LOCATIONS;
    if (x->request.route.kind == ROUTE_IMPORT) /* without a body there is nothing to import by */
        return exchange_has_body(x) ? &IMPORT : &OPEN;
    if (policy_ingest_open(x->snapshot->policy, ingest, x->request.origin.address))
        return &OPEN;
    if (x->request.route.kind == ROUTE_UPDATE)
        return exchange_has_body(x) && may_be_update(x) ? &UPDATE : &OPEN;
    return &CLOSED;
}
