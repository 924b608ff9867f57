/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the headers that are forwarded to Glance, and to the client. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <string.h>
#include <strings.h>

/* These fields belong to one connection, not to the message (RFC 9110 7.6.1), or the sender of the
 * forwarded message writes its own. */
static const char *const HOP_BY_HOP[] = {"Connection", "Keep-Alive",    "Proxy-Connection",
                                         "TE",         "Trailer",       "Transfer-Encoding",
                                         "Upgrade",    "Content-Length"};

/* The proxy writes its own values for these fields. */
static const char *const REPLACED[] = {"Expect", "Forwarded", "Host", "X-Openstack-Request-Id"};

/* keystonemiddleware's auth_token describes the caller to the rest of Glance with these fields;
 * oslo.context and Glance read them. It drops them from a client's request, except the last one.
 * Without auth_token in front of Glance nothing drops them. Clients may send the tokens themselves
 * (X-Auth-Token, X-Storage-Token, X-Service-Token). */
static const char *const IDENTITY[] = {
    "X-Identity-Status",
    "X-Service-Identity-Status",
    "X-User-Id",
    "X-Service-User-Id",
    "X-User-Name",
    "X-Service-User-Name",
    "X-User-Domain-Id",
    "X-Service-User-Domain-Id",
    "X-User-Domain-Name",
    "X-Service-User-Domain-Name",
    "X-Project-Id",
    "X-Service-Project-Id",
    "X-Project-Name",
    "X-Service-Project-Name",
    "X-Project-Domain-Id",
    "X-Service-Project-Domain-Id",
    "X-Project-Domain-Name",
    "X-Service-Project-Domain-Name",
    "X-Domain-Id",
    "X-Service-Domain-Id",
    "X-Domain-Name",
    "X-Service-Domain-Name",
    "X-Roles",
    "X-Service-Roles",
    "X-Role",
    "X-User",
    "X-Tenant",
    "X-Tenant-Id",
    "X-Tenant-Name",
    "X-Is-Admin-Project",
    "X-Service-Catalog",
    "OpenStack-System-Scope",
};

#define NAME_IN(name, list) name_in(name, list, sizeof(list) / sizeof *(list))

static bool name_in(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (header_name_is(name, list[i]))
            return true;
    return false;
}

bool name_is_x_forwarded(const char *name)
{
    static const char prefix[] = "X-Forwarded-";
    char begin[sizeof prefix];
    strncpy(begin, name, sizeof prefix - 1);
    begin[sizeof prefix - 1] = '\0';
    return header_name_is(begin, prefix);
}

/* Whether a Connection field names `name`. */
static bool connection_names(const struct headers *headers, const char *name)
{
    headers_each(row, headers) {
        if (!header_name_is(row->name, "Connection"))
            continue;
        struct span option;
        for (const char *at = row->value; list_next(&at, ',', &option);)
            if (span_is(option, name))
                return true;
    }
    return false;
}

static bool end_to_end(const struct headers *headers, const char *name)
{
    return !NAME_IN(name, HOP_BY_HOP) && !connection_names(headers, name);
}

/* Without a valid traceparent, tracestate means nothing (W3C Trace Context 1, 3.3). */
static bool is_trace(const char *name)
{
    return header_name_is(name, "Traceparent") || header_name_is(name, "Tracestate");
}

static bool client_may_send(const char *name)
{
    return !NAME_IN(name, REPLACED) && !name_is_x_forwarded(name) && !NAME_IN(name, IDENTITY);
}

/* Adds the field unless its value is not known (""). */
static bool add_known(struct headers *to, const char *name, const char *value)
{
    return !*value || headers_add(to, name, value);
}

bool forward_request_headers(const struct headers *from, const struct origin *origin,
                             const char *request_id, struct headers *to)
{
    struct headers kept = {0};
    char trace_id[TRACE_ID_LENGTH + 1];
    bool traced = trace_id_find(from, trace_id);
    bool ok = add_known(&kept, "Host", origin->host);
    headers_each(row, from)
        if (end_to_end(from, row->name) && client_may_send(row->name) &&
            (traced || !is_trace(row->name)))
            ok = ok && headers_add(&kept, row->name, row->value);
    ok = ok && add_known(&kept, "X-Forwarded-For", origin->forwarded_for) &&
         add_known(&kept, "X-Forwarded-Proto", origin->proto) &&
         add_known(&kept, "X-Forwarded-Host", origin->host) &&
         add_known(&kept, "X-Forwarded-Prefix", origin->prefix) &&
         headers_add(&kept, "X-Openstack-Request-Id", request_id);
    if (!ok)
        headers_free(&kept);
    *to = kept;
    return ok;
}

bool forward_response_headers(const struct headers *from, struct headers *to)
{
    struct headers kept = {0};
    bool ok = true;
    headers_each(row, from)
        if (end_to_end(from, row->name))
            ok = ok && headers_add(&kept, row->name, row->value);
    if (!ok)
        headers_free(&kept);
    *to = kept;
    return ok;
}
