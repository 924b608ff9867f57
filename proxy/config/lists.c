/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of settings that are lists of addresses.
 *
 * A list is collected in a separate struct settings, which is empty otherwise. It replaces the
 * current list only if every item is valid. */
#include "config/config_priv.h"
#include "intake/buffer.h"
#include "intake/endpoint.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds one item to its list in `parsed`. False: `why` says what is wrong with the item. */
typedef bool add_item(struct settings *parsed, const char *item, struct buffer *why);

static bool no_memory(struct buffer *why)
{
    buffer_print(why, "no memory");
    return false;
}

static bool collect_item(struct settings *parsed, const char *start, size_t length, add_item *add,
                         struct buffer *why)
{
    if (length == 0) {
        buffer_print(why, "there is nothing between two commas");
        return false;
    }
    char *item = strndup(start, length);
    if (!item)
        return no_memory(why);
    bool good = add(parsed, item, why);
    free(item);
    return good;
}

static bool collect(struct settings *parsed, const char *text, add_item *add, size_t min,
                    size_t max, struct buffer *why)
{
    const char *item;
    size_t length;
    size_t count = 0;
    for (; value_next_item(&text, &item, &length); count++) {
        if (count == max) {
            buffer_print(why, "there are more than %zu items", max);
            return false;
        }
        if (!collect_item(parsed, item, length, add, why))
            return false;
    }
    if (count < min)
        buffer_print(why, "must be set");
    return count >= min;
}

static void print_item(size_t index, const char *item, struct buffer *out)
{
    buffer_print(out, "%s%s", index > 0 ? ", " : "", item);
}

/* --- addresses to listen on ------------------------------------------------------------ */

static bool add_bind(struct settings *parsed, const char *item, struct buffer *why)
{
    struct bind_address bind = {0};
    const char *fault = value_bind(item, &bind);
    if (fault) {
        buffer_print(why, "'%.80s' %s", item, fault);
        return false;
    }
    size_t count = parsed->listen.bind_count;
    struct bind_address *binds = reallocarray(parsed->listen.binds, count + 1, sizeof bind);
    if (!binds)
        return no_memory(why);
    parsed->listen.binds = binds;
    bind.text = strdup(item);
    if (!bind.text)
        return no_memory(why);
    binds[count] = bind;
    parsed->listen.bind_count++;
    return true;
}

static void binds_clear(const struct setting *row, struct settings *settings)
{
    (void)row;
    for (size_t i = 0; i < settings->listen.bind_count; i++)
        free(settings->listen.binds[i].text);
    free(settings->listen.binds);
    settings->listen.binds = NULL;
    settings->listen.bind_count = 0;
}

static bool binds_read(const struct setting *row, const char *text, struct settings *settings,
                       struct buffer *why)
{
    struct settings parsed = {0};
    if (!collect(&parsed, text, add_bind, 1, SETTINGS_LIST_MAX, why)) {
        binds_clear(row, &parsed);
        return false;
    }
    binds_clear(row, settings);
    settings->listen.binds = parsed.listen.binds;
    settings->listen.bind_count = parsed.listen.bind_count;
    return true;
}

static void binds_print(const struct setting *row, const struct settings *settings,
                        struct buffer *out)
{
    (void)row;
    for (size_t i = 0; i < settings->listen.bind_count; i++)
        print_item(i, settings->listen.binds[i].text, out);
}

const struct setting_kind kind_binds = {
    .read = binds_read, .print = binds_print, .clear = binds_clear};

/* --- Glance's endpoints ---------------------------------------------------------------- */

static bool add_endpoint(struct settings *parsed, const char *item, struct buffer *why)
{
    size_t length = strlen(item);
    const char *fault =
        unix_path(item) ? unix_path_fault(unix_path(item)) : endpoint_fault(item, &length);
    if (fault) {
        /* The item may be http://user:password@host: never show a password. */
        buffer_print(why, "'%.80s' %s", strchr(item, '@') ? "..." : item, fault);
        return false;
    }
    size_t count = parsed->glance.endpoint_count;
    char **endpoints = reallocarray(parsed->glance.endpoints, count + 1, sizeof *endpoints);
    if (!endpoints)
        return no_memory(why);
    parsed->glance.endpoints = endpoints;
    endpoints[count] = strndup(item, length);
    if (!endpoints[count])
        return no_memory(why);
    parsed->glance.endpoint_count++;
    return true;
}

static void endpoints_clear(const struct setting *row, struct settings *settings)
{
    (void)row;
    for (size_t i = 0; i < settings->glance.endpoint_count; i++)
        free(settings->glance.endpoints[i]);
    free(settings->glance.endpoints);
    settings->glance.endpoints = NULL;
    settings->glance.endpoint_count = 0;
}

static bool endpoints_read(const struct setting *row, const char *text, struct settings *settings,
                           struct buffer *why)
{
    struct settings parsed = {0};
    if (!collect(&parsed, text, add_endpoint, 1, ENDPOINTS_MAX, why)) {
        endpoints_clear(row, &parsed);
        return false;
    }
    endpoints_clear(row, settings);
    settings->glance.endpoints = parsed.glance.endpoints;
    settings->glance.endpoint_count = parsed.glance.endpoint_count;
    return true;
}

static void endpoints_print(const struct setting *row, const struct settings *settings,
                            struct buffer *out)
{
    (void)row;
    for (size_t i = 0; i < settings->glance.endpoint_count; i++)
        print_item(i, settings->glance.endpoints[i], out);
}

const struct setting_kind kind_endpoints = {
    .read = endpoints_read, .print = endpoints_print, .clear = endpoints_clear};

/* --- the other proxies --------------------------------------------------------------------- */

/* As the address of an endpoint, with a port. */
static const char *peer_fault(const char *item)
{
    char url[sizeof "http://" + PEER_MAX];
    size_t length;
    const char *colon = strrchr(item, ':');
    if (strlen(item) > PEER_MAX || strpbrk(item, "/@?#") || !colon || colon[1] < '0' ||
        colon[1] > '9')
        return "is not HOST:PORT, such as 192.0.2.12:9294 or [2001:db8::12]:9294";
    snprintf(url, sizeof url, "http://%s", item);
    return endpoint_fault(url, &length);
}

static bool add_peer(struct settings *parsed, const char *item, struct buffer *why)
{
    const char *fault = peer_fault(item);
    if (fault) {
        buffer_print(why, "'%.80s' %s", item, fault);
        return false;
    }
    size_t count = parsed->cluster.peer_count;
    char **peers = reallocarray(parsed->cluster.peers, count + 1, sizeof *peers);
    if (!peers)
        return no_memory(why);
    parsed->cluster.peers = peers;
    peers[count] = strdup(item);
    if (!peers[count])
        return no_memory(why);
    parsed->cluster.peer_count++;
    return true;
}

static void peers_clear(const struct setting *row, struct settings *settings)
{
    (void)row;
    for (size_t i = 0; i < settings->cluster.peer_count; i++)
        free(settings->cluster.peers[i]);
    free(settings->cluster.peers);
    settings->cluster.peers = NULL;
    settings->cluster.peer_count = 0;
}

static bool peers_read(const struct setting *row, const char *text, struct settings *settings,
                       struct buffer *why)
{
    struct settings parsed = {0};
    if (!collect(&parsed, text, add_peer, 0, SETTINGS_LIST_MAX, why)) {
        peers_clear(row, &parsed);
        return false;
    }
    peers_clear(row, settings);
    settings->cluster.peers = parsed.cluster.peers;
    settings->cluster.peer_count = parsed.cluster.peer_count;
    return true;
}

static void peers_print(const struct setting *row, const struct settings *settings,
                        struct buffer *out)
{
    (void)row;
    for (size_t i = 0; i < settings->cluster.peer_count; i++)
        print_item(i, settings->cluster.peers[i], out);
}

const struct setting_kind kind_peers = {
    .read = peers_read, .print = peers_print, .clear = peers_clear};

/* --- trusted proxies ------------------------------------------------------------------- */

static const char UNIX_PEERS[] = "unix:";

/* "unix:", as in nginx, stands for the peers on unix sockets. */
static bool add_network(struct settings *parsed, const char *item, struct buffer *why)
{
    if (strcmp(item, UNIX_PEERS) == 0) {
        parsed->listen.trusted_proxies.unix_sockets = true;
        return true;
    }
    if (networks_add(&parsed->listen.trusted_proxies, item))
        return true;
    buffer_print(why, "'%.80s' is not a network, such as 10.0.0.0/8 or 2001:db8::/32", item);
    return false;
}

static void networks_clear(const struct setting *row, struct settings *settings)
{
    (void)row;
    networks_free(&settings->listen.trusted_proxies);
}

static bool networks_read(const struct setting *row, const char *text, struct settings *settings,
                          struct buffer *why)
{
    struct settings parsed = {0};
    if (!collect(&parsed, text, add_network, 0, SETTINGS_LIST_MAX, why)) {
        networks_clear(row, &parsed);
        return false;
    }
    networks_clear(row, settings);
    settings->listen.trusted_proxies = parsed.listen.trusted_proxies;
    return true;
}

static void networks_print(const struct setting *row, const struct settings *settings,
                           struct buffer *out)
{
    (void)row;
    const struct networks *trusted = &settings->listen.trusted_proxies;
    for (size_t i = 0; i < trusted->count; i++) {
        char text[ADDRESS_TEXT_MAX];
        network_text(&trusted->rows[i], text);
        print_item(i, text, out);
    }
    if (trusted->unix_sockets)
        print_item(trusted->count, UNIX_PEERS, out);
}

const struct setting_kind kind_networks = {
    .read = networks_read, .print = networks_print, .clear = networks_clear};

bool bind_is_wildcard(const struct bind_address *bind)
{
    if (bind->address.ss_family == AF_UNIX)
        return false;
    if (bind->address.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&bind->address)->sin_addr.s_addr == INADDR_ANY;
    return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&bind->address)->sin6_addr);
}

uint16_t bind_port(const struct bind_address *bind)
{
    if (bind->address.ss_family == AF_UNIX)
        return 0;
    /* sin_port and sin6_port have the same offset. */
    return ((const struct sockaddr_in *)&bind->address)->sin_port;
}
