/* SPDX-License-Identifier: Apache-2.0 */
/* Parses single values. */
#include "config/config_priv.h"

#include "intake/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

bool value_boolean(const char *text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i].word) == 0) {
            *out = words[i].value;
            return true;
        }
    return false;
}

bool value_count(const char *text, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits])
        return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

/* Parses a port from 1 to 65535 that ends the text. 0: it is not one. */
static in_port_t read_port(const char *text)
{
    uint64_t port;
    return strlen(text) <= 5 && value_count(text, &port) && port <= UINT16_MAX ? (in_port_t)port
                                                                               : 0;
}

static bool read_ipv4(const char *host, in_port_t port, struct bind_address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->address;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    out->length = sizeof *in;
    return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

static bool read_ipv6(const char *host, in_port_t port, struct bind_address *out)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->address;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    out->length = sizeof *in6;
    return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
}

static const char *read_unix(const char *path, struct bind_address *out)
{
    const char *fault = unix_path_fault(path);
    if (fault)
        return fault;
    struct bind_address bind = {.length = sizeof(struct sockaddr_un)};
    struct sockaddr_un *address = (struct sockaddr_un *)&bind.address;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, strlen(path));
    *out = bind;
    return NULL;
}

const char *value_bind(const char *text, struct bind_address *out)
{
    static const char form[] = "is not ADDRESS:PORT, such as 0.0.0.0:9292 or [::]:9292";
    if (unix_path(text))
        return read_unix(unix_path(text), out);
    char host[INET6_ADDRSTRLEN] = "";
    bool bracketed = text[0] == '[';
    const char *start = text + bracketed;
    const char *end = bracketed ? strchr(start, ']') : strchr(start, ':');
    if (!end || (size_t)(end - start) >= sizeof host || (bracketed && end[1] != ':'))
        return form;
    memcpy(host, start, (size_t)(end - start));

    struct bind_address bind = {0};
    in_port_t port = read_port(end + (bracketed ? 2 : 1));
    if (!(bracketed ? read_ipv6 : read_ipv4)(host, port, &bind))
        return form;
    if (port == 0)
        return "has no port from 1 to 65535";
    *out = bind;
    return NULL;
}

bool value_next_item(const char **cursor, const char **item, size_t *length)
{
    static const char blank[] = " \t";
    *item = *cursor + strspn(*cursor, blank);
    if (!**item)
        return false;
    size_t count = strcspn(*item, ",");
    *cursor = *item + count + ((*item)[count] == ',');
    while (count > 0 && strchr(blank, (*item)[count - 1]))
        count--;
    *length = count;
    return true;
}
