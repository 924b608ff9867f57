/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the syntax of an endpoint: scheme, host, port. */
#include "intake/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* Returns the length of the "[v6]" or host name at `text`; 0: there is neither. */
static size_t host_length(const char *text)
{
    struct in6_addr address;
    char host[INET6_ADDRSTRLEN] = "";
    if (text[0] != '[') {
        size_t length = 0;
        while (isalnum((unsigned char)text[length]) ||
               (text[length] && strchr(".-_", text[length])))
            length++;
        return length <= 253 ? length : 0; /* RFC 1035 2.3.4, without the trailing dot */
    }
    const char *end = strchr(text, ']');
    if (!end || (size_t)(end - text) > sizeof host)
        return 0;
    memcpy(host, text + 1, (size_t)(end - text) - 1);
    return inet_pton(AF_INET6, host, &address) == 1 ? (size_t)(end - text) + 1 : 0;
}

/* Counts the digits of a port that is followed by a slash or the end of the text. 0: there is no
 * valid port. */
static size_t port_length(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long port = digits <= 5 ? strtoul(text, NULL, 10) : 0;
    bool ends = !text[digits] || text[digits] == '/';
    return ends && port >= 1 && port <= UINT16_MAX ? digits : 0;
}

/* Moves `*at` past scheme, host and port. Returns what is wrong with them, or NULL. */
static const char *pass_server(const char **cursor)
{
    const char *at = *cursor;
    if (strncmp(at, "http://", 7) == 0)
        at += 7;
    else if (strncmp(at, "https://", 8) == 0)
        at += 8;
    else
        return "is not a URL beginning with http:// or https://";
    size_t host = host_length(at);
    if (host == 0)
        return "has no host name or address behind its ://";
    at += host;
    if (*at == ':') {
        size_t digits = port_length(++at);
        if (digits == 0)
            return "has no port from 1 to 65535 behind its colon";
        at += digits;
    }
    *cursor = at;
    return NULL;
}

const char *endpoint_fault(const char *text, size_t *length)
{
    const char *at = text;
    const char *fault = pass_server(&at);
    if (fault)
        return fault;
    *length = (size_t)(at - text);
    return at[strspn(at, "/")] ? "has more than a scheme, a host and a port" : NULL;
}

const char *service_url_fault(const char *text)
{
    static const char PATH[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._~-";
    const char *at = text;
    const char *fault = pass_server(&at);
    if (fault)
        return fault;
    bool good = (!*at || *at == '/') && !at[strspn(at, PATH)];
    return good ? NULL : "has more than a scheme, a host, a port and a simple path";
}

const char *unix_path(const char *address)
{
    static const char scheme[] = "unix:";
    size_t length = sizeof scheme - 1;
    return strncmp(address, scheme, length) == 0 ? address + length : NULL;
}

const char *unix_path_fault(const char *path)
{
    if (*path != '/')
        return "is not unix: with an absolute path behind it, such as unix:/run/glance.sock";
    if (path[strlen(path) - 1] == '/')
        return "is a directory";
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return "has a path of more than 107 bytes";
    for (const char *at = path; *at; at++)
        if (*at == '"' || *at == '\\' || iscntrl((unsigned char)*at))
            return "has a quote, a backslash or a control character in its path";
    return NULL;
}
