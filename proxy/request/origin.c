/* SPDX-License-Identifier: Apache-2.0 */
/* What a trusted proxy says of the client, in one of two dialects:
 *
 *     Forwarded: for=192.0.2.7;proto=https;host=images.example.org, for=10.0.0.3
 *     X-Forwarded-For: 192.0.2.7, 10.0.0.3     X-Forwarded-Proto: https     X-Forwarded-Host: ...
 *
 * Where there is a Forwarded, the three others do not count. The first element is the proxy
 * nearest to the client: proto and host come from there. Addresses are believed from the right,
 * as far as those who wrote them are trusted. */
#include "intake/buffer.h"
#include "intake/networks.h"
#include "intake/request.h"

#include "request_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Far more proxies in a row than there are; the header list is bounded already. */
enum { FORWARDED_FOR_MAX = 64 * 1024 };

/* --- one element ----------------------------------------------------------------------- */

/* Copies the span without quotes and quoted-pair's backslashes; "" if it does not fit. */
static void unquote(struct span span, char *out, size_t size)
{
    bool quoted = span.length >= 2 && *span.text == '"' && span.text[span.length - 1] == '"';
    size_t length = 0;
    for (size_t i = quoted; i < span.length - quoted; i++) {
        if (quoted && span.text[i] == '\\' && i + 2 < span.length)
            i++;
        if (length + 1 < size)
            out[length] = span.text[i];
        length++;
    }
    out[length < size ? length : 0] = '\0';
}

/* The value of a parameter of a Forwarded element; false: it has none of this name. */
static bool parameter_find(struct span element, const char *name, char *out, size_t size)
{
    size_t name_length = strlen(name);
    const char *end = element.text + element.length;
    struct span pair;
    for (const char *at = element.text; at < end && list_next(&at, ';', &pair);) {
        size_t limit = (size_t)(end - pair.text);
        size_t length = pair.length < limit ? pair.length : limit;
        if (length <= name_length || pair.text[name_length] != '=' ||
            strncasecmp(pair.text, name, name_length) != 0)
            continue;
        unquote((struct span){pair.text + name_length + 1, length - name_length - 1}, out, size);
        return true;
    }
    return false;
}

/* The first element of the first field of this name, unquoted; "": there is none. */
static void first_element(const struct headers *headers, const char *name, char *out, size_t size)
{
    const char *at = headers_get(headers, name);
    struct span element;
    *out = '\0';
    if (at && list_next(&at, ',', &element))
        unquote(element, out, size);
}

/* What the proxy nearest to the client says: a Forwarded parameter, or else an X-Forwarded field.
 */
static void nearest_says(const struct headers *headers, const char *parameter, const char *field,
                         char *out, size_t size)
{
    const char *at = headers_get(headers, "Forwarded");
    struct span element;
    *out = '\0';
    if (!at)
        first_element(headers, field, out, size);
    else if (list_next(&at, ',', &element) && !parameter_find(element, parameter, out, size))
        *out = '\0';
}

/* --- the chain of addresses ------------------------------------------------------------ */

/* The addresses from the client's side to ours, as far as they have been read. */
struct chain {
    const struct networks *trusted;
    struct buffer text;               /* "192.0.2.7, 10.0.0.3" */
    char untrusted[ADDRESS_TEXT_MAX]; /* the last one that is not trusted, */
    char first[ADDRESS_TEXT_MAX];     /* and the first one, both since the last gap */
};

/* Takes the port, and the brackets of an IPv6 address, off. */
static void node_strip(char *node)
{
    char *colon = strchr(node, ':');
    if (*node == '[') {
        node[strcspn(node, "]")] = '\0';
        memmove(node, node + 1, strlen(node));
    } else if (colon && !strchr(colon + 1, ':')) {
        *colon = '\0';
    }
}

static void address_keep(const char *address, char out[ADDRESS_TEXT_MAX])
{
    snprintf(out, ADDRESS_TEXT_MAX, "%s", address);
}

/* "unknown", a made-up name or no address at all leaves a gap: what stands left of it was told by
 * nobody we know. */
static bool chain_add(struct chain *chain, const char *address)
{
    if (!address_valid(address)) {
        *chain->untrusted = *chain->first = '\0';
        return true;
    }
    if (!networks_have(chain->trusted, address))
        address_keep(address, chain->untrusted);
    if (!*chain->first)
        address_keep(address, chain->first);
    return (!chain->text.len || buffer_append(&chain->text, ", ", 2)) &&
           buffer_append(&chain->text, address, strlen(address));
}

static bool chain_add_node(struct chain *chain, struct span element, bool forwarded)
{
    char node[ADDRESS_TEXT_MAX] = "";
    if (!forwarded)
        unquote(element, node, sizeof node);
    else if (!parameter_find(element, "for", node, sizeof node))
        return true;
    node_strip(node);
    return chain_add(chain, node);
}

static bool chain_read(struct chain *chain, const struct headers *headers)
{
    bool forwarded = headers_count(headers, "Forwarded") > 0;
    const char *name = forwarded ? "Forwarded" : "X-Forwarded-For";
    headers_each(row, headers) {
        if (!header_name_is(row->name, name))
            continue;
        struct span element;
        for (const char *at = row->value; list_next(&at, ',', &element);)
            if (!chain_add_node(chain, element, forwarded))
                return false;
    }
    return true;
}

static bool addresses_find(const struct headers *headers, const char *peer, bool believed,
                           const struct networks *trusted, struct origin *out)
{
    struct chain chain = {.trusted = trusted};
    buffer_init(&chain.text, FORWARDED_FOR_MAX);
    bool ok = (!believed || chain_read(&chain, headers)) && chain_add(&chain, peer);
    if (!ok)
        buffer_free(&chain.text);
    const char *client = *chain.untrusted ? chain.untrusted : chain.first;
    address_keep(client, out->address);
    out->forwarded_for = chain.text.data ? chain.text.data : strdup("");
    return ok && out->forwarded_for;
}

/* --- the client's view ----------------------------------------------------------------- */

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

bool origin_find(const struct headers *headers, const char *peer, bool tls,
                 const struct networks *trusted, struct origin *out)
{
    *out = (struct origin){0};
    char proto[8] = "";
    char host[300] = ""; /* a DNS name has 253 characters at most */
    char prefix[256] = "";
    bool believed = networks_have(trusted, peer);
    if (believed) {
        nearest_says(headers, "proto", "X-Forwarded-Proto", proto, sizeof proto);
        nearest_says(headers, "host", "X-Forwarded-Host", host, sizeof host);
        first_element(headers, "X-Forwarded-Prefix", prefix, sizeof prefix);
    }
    const char *own_host = headers_get(headers, "Host");
    bool proto_told = !strcasecmp(proto, "http") || !strcasecmp(proto, "https");
    bool secure = proto_told ? strlen(proto) == strlen("https") : tls;
    out->proto = strdup(secure ? "https" : "http");
    out->host = strdup(host_valid(host) ? host : own_host ? own_host : "");
    out->prefix = strdup(prefix_valid(prefix) ? prefix : "");
    bool addresses = addresses_find(headers, peer, believed, trusted, out);
    if (out->proto && out->host && out->prefix && addresses)
        return true;
    origin_free(out);
    return false;
}

void origin_free(struct origin *origin)
{
    free(origin->proto);
    free(origin->host);
    free(origin->prefix);
    free(origin->forwarded_for);
    *origin = (struct origin){0};
}
