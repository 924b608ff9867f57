/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a request's head: what is asked for, and by whom; or why it is refused. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/memory.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <stdlib.h>
#include <string.h>

bool request_has_body(const struct client *client)
{
    const struct framing_facts *framing = client_framing(client);
    return framing->framing == FRAMING_CHUNKED || framing->length > 0;
}

/* The authority of an absolute form replaces Host (RFC 9112 3.2.2). False: no memory. */
static bool host_of_absolute_form(struct request_facts *request)
{
    if (!request->target.authority)
        return true;
    char *host = strdup(request->target.authority);
    if (!host)
        return false;
    free(request->origin.host);
    request->origin.host = host;
    return true;
}

static const char *find_origin(const struct settings *settings, const struct client *client,
                               struct origin *origin)
{
    const struct origin_facts facts = {
        .peer = client_peer(client),
        .tls = client_is_tls(client),
        .trusted = &settings->listen.trusted_proxies,
        .forwarded = settings->listen.forwarded_header == FORWARDED_HEADER_FORWARDED,
    };
    const char *fault;
    bool found = origin_find(&client_head(client)->headers, &facts, origin, &fault);
    return found ? fault : NO_MEMORY;
}

/* Checks that need no target: they come before it is parsed. */
static void check_connection(struct client *client, const struct headers *headers,
                             struct refusal_note *refused)
{
    if (!client_is_certified(client))
        refusal_set(refused, REFUSAL_CERTIFICATE_REQUIRED, "%s", "");
    else if (via_has_own(headers))
        refusal_set(refused, REFUSAL_LOOP_DETECTED, "%s", "");
    else if (client_over_limit(client))
        refusal_set(refused, REFUSAL_TOO_MANY_CONNECTIONS, "%s", "");
}

static const char *find_route(const struct request_head *head, struct request_facts *request)
{
    const char *fault = target_parse(head->target, &request->target);
    if (!fault && !host_of_absolute_form(request))
        fault = NO_MEMORY;
    return fault ? fault
                 : route_find(head->method, &request->target, &head->headers, &request->route);
}

/* An upload with a wrong method or path. The answer names the image that was meant. */
static void refuse_miss(struct route *route, struct refusal_note *refused)
{
    memcpy(route->image_id, route->missed.image_id, sizeof route->image_id);
    refusal_set(refused, REFUSAL_WRONG_METHOD, "%s", route->missed.how);
}

static bool is_resuming(const struct route *route)
{
    return route->kind == ROUTE_HELD || route->kind == ROUTE_CREATE;
}

bool request_read(const struct exchange_parts *parts, struct client *client,
                  struct request_facts *out, struct refusal_note *refused)
{
    const struct request_head *head = client_head(client);
    request_id_choose(&head->headers, out->id);
    trace_id_find(&head->headers, out->trace_id);
    if (client_fault(client)) {
        refusal_set(refused, client_refusal(client), "%s", client_fault(client));
        return false;
    }
    const char *fault = find_origin(parts->snapshot->settings, client, &out->origin);
    if (!fault)
        check_connection(client, &head->headers, refused);
    if (!fault && !refused->reason)
        fault = find_route(head, out);
    if (fault)
        refusal_set_fault(refused, out, REFUSAL_BAD_REQUEST, fault);
    else if (out->route.missed.how && request_has_body(client) &&
             !(is_resuming(&out->route) && parts->snapshot->settings->resume.window > 0))
        refuse_miss(&out->route, refused);
    return !refused->reason;
}

void request_free(struct request_facts *request)
{
    target_free(&request->target);
    origin_free(&request->origin);
}
