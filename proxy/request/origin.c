/* SPDX-License-Identifier: Apache-2.0 */
/* What a trusted proxy says of the client, in the header that the operator names:
 *
 *     X-Forwarded-For: 192.0.2.7, 10.0.0.3     with X-Forwarded-Proto, -Host and -Prefix
 *     Forwarded: for=192.0.2.7;proto=https;host=images.example.org, for=10.0.0.3
 *
 * A proxy appends to the one that it writes, and passes the other one on as a client sent it. So
 * only the one that is named counts, and only in the spelling that proxies write: X_Forwarded_For
 * comes from a client.
 *
 * The list is read from the right. The last element was written by our peer, the one before it by
 * the proxy that the last one names, and so on: the first address that is not trusted is the
 * client, and what stands left of it was written by the client. */
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
    size_t most = 0;
    headers_each(row, headers)
        most += strcasecmp(row->name, name) ? 0 : 1 + commas(row->value);
    if (most == 0)
        return true;
    list->rows = calloc(most, sizeof *list->rows);
    if (!list->rows)
        return false;
    headers_each(row, headers)
        if (!strcasecmp(row->name, name))
            list_add(list, row->value, quotes);
    return true;
}

/* --- the way that a request has come ----------------------------------------------------- */

struct way {
    const struct networks *trusted;
    bool forwarded; /* the elements are those of Forwarded */
    struct list list;
    size_t first;                  /* the elements from here on were written by trusted proxies */
    char client[ADDRESS_TEXT_MAX]; /* "": nobody tells */
    char proto[8], host[300];      /* of Forwarded */
};

static enum node element_read(const struct way *way, struct span element,
                              char address[ADDRESS_TEXT_MAX], struct forwarded *said)
{
    if (!way->forwarded)
        return node_read(element, address);
    if (!forwarded_read(element, said))
        return NODE_UNREADABLE;
    return node_read((struct span){said->node, strlen(said->node)}, address);
}

/* The proxy nearest to the client knows best how the client sees us. */
static void say(struct way *way, const struct forwarded *said)
{
    if (*said->proto)
        snprintf(way->proto, sizeof way->proto, "%s", said->proto);
    if (*said->host)
        snprintf(way->host, sizeof way->host, "%s", said->host);
}

/* A proxy that hides whom it serves leaves the client unknown: it never makes the proxy itself the
 * client. NULL, or what is wrong. */
static const char *way_read(struct way *way)
{
    enum node node = NODE_ADDRESS;
    bool more = true;
    for (way->first = way->list.count; way->first && more; way->first--) {
        struct forwarded said = {0};
        node = element_read(way, way->list.rows[way->first - 1], way->client, &said);
        if (node == NODE_UNREADABLE)
            return way->forwarded ? "Forwarded does not say in a readable way who the client is"
                                  : "X-Forwarded-For has something else than addresses where it is "
                                    "to say who the client is";
        say(way, &said);
        more = node == NODE_ADDRESS && networks_have(way->trusted, way->client);
    }
    return NULL;
}

static bool append(struct buffer *text, const char *address)
{
    return !*address || ((!text->len || buffer_append(text, ", ", 2)) &&
                         buffer_append(text, address, strlen(address)));
}

/* What Glance is told: the part of the way that is known. False: no memory. */
static bool way_print(const struct way *way, const char *peer, char **out)
{
    struct buffer text;
    buffer_init(&text, FORWARDED_FOR_MAX);
    bool good = true;
    for (size_t i = way->first; i < way->list.count && good; i++) {
        char address[ADDRESS_TEXT_MAX] = "";
        struct forwarded said;
        element_read(way, way->list.rows[i], address, &said);
        good = append(&text, address);
    }
    good = good && append(&text, peer);
    *out = good ? strdup(buffer_text(&text)) : NULL;
    buffer_free(&text);
    return *out;
}

/* Whether the request has come through a proxy at all, whatever header that writes. */
static bool came_by_proxy(const struct headers *headers)
{
    headers_each(row, headers)
        if (header_name_is(row->name, "Forwarded") || header_name_is(row->name, "Via") ||
            name_is_x_forwarded(row->name))
            return true;
    return false;
}

/* A host on which a proxy runs may also be a client: then nothing tells of a proxy. */
static const char *client_of(const struct headers *headers, const struct origin_facts *facts,
                             const struct way *way, bool believed)
{
    bool itself = !believed || (!way->list.count && !came_by_proxy(headers));
    return itself ? facts->peer : way->client;
}

/* --- the client's view ------------------------------------------------------------------- */

/* Of X-Forwarded-Proto and its kind the element that the proxy nearest to the client has written,
 * where each proxy adds one; most set the field, and it has only one. False: no memory. */
static bool suggest_text(const struct headers *headers, const char *name, const struct way *way,
                         char *out, size_t size)
{
    struct list list = {0};
    size_t proxies = way->list.count - way->first;
    if (!list_read(&list, headers, name, false))
        return false;
    if (list.count) {
        size_t back = proxies ? proxies : 1;
        struct span element = list.rows[list.count > back ? list.count - back : 0];
        snprintf(out, size, "%.*s", element.length < size ? (int)element.length : 0, element.text);
    }
    free(list.rows);
    return true;
}

/* "/image", without a slash at the end; unreserved characters and slashes only. */
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

static bool view_find(const struct headers *headers, bool tls, struct way *way, bool believed,
                      struct origin *out)
{
    char prefix[256] = "";
    bool x_forwarded = believed && !way->forwarded;
    if (x_forwarded &&
        (!suggest_text(headers, "X-Forwarded-Proto", way, way->proto, sizeof way->proto) ||
         !suggest_text(headers, "X-Forwarded-Host", way, way->host, sizeof way->host) ||
         !suggest_text(headers, "X-Forwarded-Prefix", way, prefix, sizeof prefix)))
        return false;
    const char *own_host = headers_get(headers, "Host");
    bool told = !strcasecmp(way->proto, "http") || !strcasecmp(way->proto, "https");
    bool secure = told ? strlen(way->proto) == strlen("https") : tls;
    out->proto = strdup(secure ? "https" : "http");
    out->host = strdup(host_valid(way->host) ? way->host : own_host ? own_host : "");
    out->prefix = strdup(prefix_valid(prefix) ? prefix : "");
    return out->proto && out->host && out->prefix;
}

bool origin_find(const struct headers *headers, const struct origin_facts *facts,
                 struct origin *out, const char **fault)
{
    *out = (struct origin){0};
    *fault = NULL;
    struct way way = {.trusted = facts->trusted, .forwarded = facts->forwarded};
    bool believed = networks_have(facts->trusted, facts->peer);
    bool good =
        !believed || list_read(&way.list, headers, way.forwarded ? "Forwarded" : "X-Forwarded-For",
                               way.forwarded);
    if (good && believed)
        *fault = way_read(&way);
    good = good && view_find(headers, facts->tls, &way, believed, out) &&
           way_print(&way, facts->peer, &out->forwarded_for);
    snprintf(out->address, sizeof out->address, "%s", client_of(headers, facts, &way, believed));
    free(way.list.rows);
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
