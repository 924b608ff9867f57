/* SPDX-License-Identifier: Apache-2.0 */
/* What leads data into a store without being an upload.
 *
 *   POST .../locations, POST /v2/tasks   open to this client, or refused unread
 *   PATCH /v2/images/{id}                 read first, where locations are closed: is it about them?
 *   POST .../import                       read first, and judged by the image's rule (import.c)
 *
 * Whatever may pass goes on as everything else does (relay.c). */
#include "exchange/exchange_priv.h"

#include "intake/client.h"
#include "intake/ingest.h"
#include "intake/memory.h"
#include "intake/record.h"
#include "intake/snapshot.h"

#include <string.h>

/* Doors are no rule's, nor is what cannot be read: only a policy that watches everything lets these
 * pass. There is a record from here on, since there is something to tell. */
enum step_result ingest_report(struct exchange *x, enum refusal reason, const char *detail)
{
    enum record_kind ingest = x->route.kind == ROUTE_TASKS ? RECORD_TASK : RECORD_LOCATIONS;
    if (!x->record && !exchange_begin_record(x, ingest))
        return exchange_no_memory(x);
    x->audit = policy_audits(x->snapshot->policy) == POLICY_AUDITS_ALL ? AUDIT_ON : AUDIT_OFF;
    return report_violation_for(x, reason, "%s", detail);
}

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
    return ingest_report(x, REFUSAL_DENIED_BY_POLICY, details[x->route.kind]);
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

bool ingest_applies(const struct exchange *x)
{
    return x->route.kind != ROUTE_RELAY && x->route.kind != ROUTE_VERSIONS;
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

/* Glance answers 415 to an update of any other type; to one with several, it depends. */
static bool may_be_update(const struct exchange *x)
{
    const struct headers *headers = &client_head(x->client)->headers;
    const char *type = headers_get(headers, "Content-Type");
    return headers_count(headers, "Content-Type") > 1 || (type && strcasestr(type, "json-patch"));
}

const struct step *ingest_steps(const struct exchange *x)
{
    enum policy_ingest ingest =
        x->route.kind == ROUTE_TASKS ? POLICY_INGEST_TASKS : POLICY_INGEST_LOCATIONS;
    if (x->route.kind == ROUTE_IMPORT) /* without a body there is nothing to import by */
        return relay_has_body(x) ? IMPORT_STEPS : RELAY_STEPS;
    if (policy_ingest_open(x->snapshot->policy, ingest, x->origin.address))
        return RELAY_STEPS;
    if (x->route.kind == ROUTE_UPDATE)
        return relay_has_body(x) && may_be_update(x) ? UPDATE_STEPS : RELAY_STEPS;
    return CLOSED_STEPS;
}
