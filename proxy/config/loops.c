/* SPDX-License-Identifier: Apache-2.0 */
/* Finds an endpoint of Glance that is this proxy itself. Names are not resolved with DNS, which
 * could block. A loop that is not found here is found by Via. */
#include "config/config_priv.h"
#include "intake/endpoint.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <unistd.h>

struct server {
    char host[256];
    char port[8];
};

/* Splits "http://host:port" or "https://[v6]". */
static struct server split(const char *endpoint)
{
    struct server server = {.port = "80"};
    if (strncmp(endpoint, "https:", 6) == 0)
        strcpy(server.port, "443");
    const char *host = strstr(endpoint, "://") + 3;
    bool bracketed = *host == '[';
    host += bracketed;
    size_t length = strcspn(host, bracketed ? "]" : ":");
    snprintf(server.host, sizeof server.host, "%.*s", (int)length, host);
    const char *colon = strchr(host + length, ':');
    if (colon)
        snprintf(server.port, sizeof server.port, "%s", colon + 1);
    return server;
}

/* Whether both have the same family and IP address. */
static bool same_address(const struct sockaddr *address, const struct sockaddr *interface)
{
    if (!interface || interface->sa_family != address->sa_family)
        return false;
    if (address->sa_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)interface)->sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)address)->sin6_addr,
                              &((const struct sockaddr_in6 *)interface)->sin6_addr);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static bool is_local(const struct sockaddr *address)
{
    struct ifaddrs *all = NULL;
    bool found = is_loopback(address);
    if (!found && getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *at = all; at && !found; at = at->ifa_next)
        found = same_address(address, at->ifa_addr);
    if (all)
        freeifaddrs(all);
    return found;
}

/* A connection to 0.0.0.0 or [::] goes to the loopback address. */
static void resolve_any(struct sockaddr *address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
    if (address->sa_family == AF_INET && in->sin_addr.s_addr == INADDR_ANY)
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (address->sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
        in6->sin6_addr = in6addr_loopback;
}

static bool listens_on(const struct bind_address *bind, const struct addrinfo *address)
{
    struct bind_address target = {.length = (socklen_t)address->ai_addrlen};
    memcpy(&target.address, address->ai_addr, address->ai_addrlen);
    resolve_any((struct sockaddr *)&target.address);
    if (bind->address.ss_family != target.address.ss_family ||
        bind_port(bind) != bind_port(&target))
        return false;
    const struct sockaddr *to = (const struct sockaddr *)&target.address;
    return bind_is_wildcard(bind) ? is_local(to)
                                  : same_address(to, (const struct sockaddr *)&bind->address);
}

/* Replaces localhost and the name of this machine with an address: the latter may stand for any of
 * its addresses. Other hosts are returned unchanged. */
static const char *replace_local_name(const char *host)
{
    char own[256];
    bool local = !strcasecmp(host, "localhost") ||
                 (gethostname(own, sizeof own) == 0 && !strcasecmp(host, own));
    return local ? "127.0.0.1" : host;
}

static const struct bind_address *find_unix(const char *path, const struct bind_address *binds,
                                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (binds[i].address.ss_family == AF_UNIX &&
            strcmp(((const struct sockaddr_un *)&binds[i].address)->sun_path, path) == 0)
            return &binds[i];
    return NULL;
}

const struct bind_address *loop_find(const char *endpoint, const struct bind_address *binds,
                                     size_t count)
{
    if (unix_path(endpoint))
        return find_unix(unix_path(endpoint), binds, count);
    struct server server = split(endpoint);
    struct addrinfo *address = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    if (getaddrinfo(replace_local_name(server.host), server.port, &hints, &address) != 0)
        return NULL;
    const struct bind_address *found = NULL;
    for (size_t i = 0; i < count && !found; i++)
        if (listens_on(&binds[i], address))
            found = &binds[i];
    freeaddrinfo(address);
    return found;
}
