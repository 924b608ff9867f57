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
enum step_result door_object(struct exchange *x, enum refusal reason, const char *detail)
{
    enum upload_door door = x->route.kind == ROUTE_TASKS ? UPLOAD_TASK : UPLOAD_LOCATIONS;
    if (!x->upload && !exchange_record(x, door))
        return exchange_no_memory(x);
    x->audit = policy_watches(x->snapshot->policy) == POLICY_WATCHES_ALL ? AUDIT_ON : AUDIT_OFF;
    return exchange_object_for(x, reason, "%s", detail);
}

static enum step_result object_to_door(struct exchange *x)
{
    static const char *const details[] = {
        [ROUTE_UPDATE] = "to change the locations of an image points it at data that did not come "
                         "through here, and that is closed",
        [ROUTE_LOCATIONS] = "POST .../locations points an image at data that did not come through "
                            "here, and that is closed",
        [ROUTE_TASKS] = "a task can import data that does not come through here, and tasks are "
                        "closed",
    };
    return door_object(x, REFUSAL_DENIED_BY_POLICY, details[x->route.kind]);
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
        return door_object(x, REFUSAL_JSON_MALFORMED, fault);
    return locations ? object_to_door(x) : STEP_NEXT;
}

bool door_is_entered(const struct exchange *x)
{
    return x->route.kind != ROUTE_RELAY && x->route.kind != ROUTE_VERSIONS;
}

/* --- which steps ------------------------------------------------------------------------- */

static const struct step CLOSED_STEPS[] = {
    {"object", object_to_door}, {"invite", relay_invite}, {"forward", relay_forward}, {NULL, NULL}};

static const struct step UPDATE_STEPS[] = {
    {"hold", hold_body}, {"look", look}, {"forward", relay_forward}, {NULL, NULL}};

static const struct step IMPORT_STEPS[] = {{"begin", import_begin},         {"hold", hold_body},
                                           {"preflight", upload_preflight}, {"judge", import_judge},
                                           {"forward", relay_forward},      {NULL, NULL}};

/* Glance answers 415 to an update of any other type; to one with several, it depends. */
static bool may_be_update(const struct exchange *x)
{
    const struct headers *headers = &client_head(x->client)->headers;
    const char *type = headers_get(headers, "Content-Type");
    return headers_count(headers, "Content-Type") > 1 || (type && strcasestr(type, "json-patch"));
}

const struct step *door_steps(const struct exchange *x)
{
    enum policy_door door =
        x->route.kind == ROUTE_TASKS ? POLICY_DOOR_TASKS : POLICY_DOOR_LOCATIONS;
    if (x->route.kind == ROUTE_IMPORT) /* without a body there is nothing to import by */
        return relay_has_body(x) ? IMPORT_STEPS : RELAY_STEPS;
    if (policy_door_open(x->snapshot->policy, door, x->origin.address))
        return RELAY_STEPS;
    if (x->route.kind == ROUTE_UPDATE)
        return relay_has_body(x) && may_be_update(x) ? UPDATE_STEPS : RELAY_STEPS;
    return CLOSED_STEPS;
}
