/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the client's address and view of this proxy, from the headers of trusted proxies. The
 * setting says which header these write:
 *
 *     X-Forwarded-For: 192.0.2.7, 10.0.0.3     with X-Forwarded-Proto, -Host and -Prefix
 *     Forwarded: for=192.0.2.7;proto=https;host=images.example.org, for=10.0.0.3
 *
 * A proxy appends to the header that it writes, and forwards the other one as the client sent it.
 * So only the configured header counts, and only in the spelling of proxies: X_Forwarded_For comes
 * from a client.
 *
 * The list is read from right to left. Our peer wrote the last element. The proxy that the last
 * element names wrote the one before it, and so on. The first address that is not trusted is the
 * client. The client itself may have written everything left of it. */
#include "intake/buffer.h"
#include "intake/networks.h"
#include "intake/request.h"

#include "request/request_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An address has less than 64 bytes, and the head of a request has less than 32 KiB. */
enum { FORWARDED_FOR_MAX = 1024 * 1024 };

/* --- a list over all fields of a name ---------------------------------------------------- */

/* Zero-initialised is empty. Owns its rows, which point into the headers. */
struct list {
    struct span *rows;
    size_t count;
};

static size_t commas(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == ',';
    return count;
}

static void list_add(struct list *list, const char *value, bool quotes)
{
    for (const char *at = value; at;)
        list->rows[list->count++] = list_element(&at, ',', quotes);
}

/* Several fields are one list (RFC 9110 5.3). False: no memory. */
static bool list_read(struct list *list, const struct headers *headers, const char *name,
                      bool quotes)
{
    size_t max = 0;
    headers_each(row, headers)
        max += strcasecmp(row->name, name) ? 0 : 1 + commas(row->value);
    if (max == 0)
        return true;
    list->rows = calloc(max, sizeof *list->rows);
    if (!list->rows)
        return false;
    headers_each(row, headers)
        if (!strcasecmp(row->name, name))
            list_add(list, row->value, quotes);
    return true;
}

/* --- the chain of proxies ---------------------------------------------------------------- */

struct proxy_chain {
    const struct networks *trusted;
    bool forwarded; /* `list` is that of Forwarded, not X-Forwarded-For */
    struct list list;
    size_t first;                  /* trusted proxies wrote the elements from this index on */
    char client[ADDRESS_TEXT_MAX]; /* "": not known */
    char proto[8], host[300];      /* from Forwarded */
};

static enum node element_read(const struct proxy_chain *chain, struct span element,
                              char address[ADDRESS_TEXT_MAX], struct forwarded *view)
{
    if (!chain->forwarded)
        return node_read(element, address);
    if (!forwarded_read(element, view))
        return NODE_UNREADABLE;
    return node_read((struct span){view->node, strlen(view->node)}, address);
}

/* The last call wins: the proxy nearest to the client knows the client's view best. */
static void take_view(struct proxy_chain *chain, const struct forwarded *view)
{
    if (*view->proto)
        snprintf(chain->proto, sizeof chain->proto, "%s", view->proto);
    if (*view->host)
        snprintf(chain->host, sizeof chain->host, "%s", view->host);
}

/* If a proxy hides its client, the client is unknown; the proxy itself never counts as the client.
 * Returns NULL, or what is wrong. */
static const char *chain_read(struct proxy_chain *chain)
{
    enum node node = NODE_ADDRESS;
    bool more = true;
    for (chain->first = chain->list.count; chain->first && more; chain->first--) {
        struct forwarded view = {0};
        node = element_read(chain, chain->list.rows[chain->first - 1], chain->client, &view);
        if (node == NODE_UNREADABLE)
            return chain->forwarded ? "Forwarded does not name the client in a readable form"
                                    : "X-Forwarded-For has no address where the client must be";
        take_view(chain, &view);
        more = node == NODE_ADDRESS && networks_have(chain->trusted, chain->client);
    }
    return NULL;
}

static bool append(struct buffer *text, const char *address)
{
    return !*address || ((!text->len || buffer_append(text, ", ", 2)) &&
                         buffer_append(text, address, strlen(address)));
}

/* Writes the X-Forwarded-For that Glance gets: the known part of the chain. False: no memory. */
static bool chain_print(const struct proxy_chain *chain, const char *peer, char **out)
{
    struct buffer text;
    buffer_init(&text, FORWARDED_FOR_MAX);
    bool good = true;
    for (size_t i = chain->first; i < chain->list.count && good; i++) {
        char address[ADDRESS_TEXT_MAX] = "";
        struct forwarded view;
        element_read(chain, chain->list.rows[i], address, &view);
        good = append(&text, address);
    }
    good = good && append(&text, peer);
    *out = good ? strdup(buffer_text(&text)) : NULL;
    buffer_free(&text);
    return *out;
}

/* Whether any header shows that the request came through a proxy. */
static bool came_by_proxy(const struct headers *headers)
{
    headers_each(row, headers)
        if (header_name_is(row->name, "Forwarded") || header_name_is(row->name, "Via") ||
            name_is_x_forwarded(row->name))
            return true;
    return false;
}

/* A trusted host may also be a client itself. Then no header shows a proxy. */
static const char *client_of(const struct headers *headers, const struct origin_facts *facts,
                             const struct proxy_chain *chain, bool peer_trusted)
{
    bool itself = !peer_trusted || (!chain->list.count && !came_by_proxy(headers));
    return itself ? facts->peer : chain->client;
}

/* --- the client's view ------------------------------------------------------------------- */

/* Reads the element of X-Forwarded-Proto, -Host or -Prefix that the proxy nearest to the client
 * wrote. Some proxies append an element; most set the field, so that it has only one. False: no
 * memory. */
static bool nearest_proxy_value(const struct headers *headers, const char *name,
                                const struct proxy_chain *chain, char *out, size_t size)
{
    struct list list = {0};
    size_t proxies = chain->list.count - chain->first;
    if (!list_read(&list, headers, name, false))
        return false;
    if (list.count) {
        size_t distance = proxies ? proxies : 1;
        struct span element = list.rows[list.count > distance ? list.count - distance : 0];
        snprintf(out, size, "%.*s", element.length < size ? (int)element.length : 0, element.text);
    }
    free(list.rows);
    return true;
}

/* Accepts "/image": unreserved characters and slashes. Strips slashes at the end. */
static bool prefix_valid(char *prefix)
{
    size_t length = strlen(prefix);
    while (length && prefix[length - 1] == '/')
        prefix[--length] = '\0';
    if (*prefix != '/' || prefix[1] == '/')
        return false;
    for (const char *at = prefix; *at; at++)
        if (*at != '/' && !unreserved(*at))
            return false;
    return true;
}

static bool view_find(const struct headers *headers, bool tls, struct proxy_chain *chain,
                      bool peer_trusted, struct origin *out)
{
    char prefix[256] = "";
    bool x_forwarded = peer_trusted && !chain->forwarded;
    if (x_forwarded &&
        (!nearest_proxy_value(headers, "X-Forwarded-Proto", chain, chain->proto,
                              sizeof chain->proto) ||
         !nearest_proxy_value(headers, "X-Forwarded-Host", chain, chain->host,
                              sizeof chain->host) ||
         !nearest_proxy_value(headers, "X-Forwarded-Prefix", chain, prefix, sizeof prefix)))
        return false;
    const char *own_host = headers_get(headers, "Host");
    bool stated = !strcasecmp(chain->proto, "http") || !strcasecmp(chain->proto, "https");
    bool secure = stated ? strlen(chain->proto) == strlen("https") : tls;
    out->proto = strdup(secure ? "https" : "http");
    out->host = strdup(host_valid(chain->host) ? chain->host : own_host ? own_host : "");
    out->prefix = strdup(prefix_valid(prefix) ? prefix : "");
    return out->proto && out->host && out->prefix;
}

bool origin_find(const struct headers *headers, const struct origin_facts *facts,
                 struct origin *out, const char **fault)
{
    *out = (struct origin){0};
    *fault = NULL;
    struct proxy_chain chain = {.trusted = facts->trusted, .forwarded = facts->forwarded};
    bool peer_trusted = networks_have_peer(facts->trusted, facts->peer);
    bool good = !peer_trusted ||
                list_read(&chain.list, headers, chain.forwarded ? "Forwarded" : "X-Forwarded-For",
                          chain.forwarded);
    if (good && peer_trusted)
        *fault = chain_read(&chain);
    good = good && view_find(headers, facts->tls, &chain, peer_trusted, out) &&
           chain_print(&chain, facts->peer, &out->forwarded_for);
    snprintf(out->address, sizeof out->address, "%s",
             client_of(headers, facts, &chain, peer_trusted));
    free(chain.list.rows);
    if (!good)
        origin_free(out);
    return good;
}

void origin_free(struct origin *origin)
{
    free(origin->proto);
    free(origin->host);
    free(origin->prefix);
    free(origin->forwarded_for);
    *origin = (struct origin){0};
}
