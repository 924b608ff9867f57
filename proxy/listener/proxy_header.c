/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the header of the PROXY protocol.
 *
 *   1   "PROXY TCP4 192.0.2.7 192.0.2.8 56324 443\r\n", at most 107 bytes
 *   2   12 bytes of signature, version and command, family, length, addresses, further fields
 *
 * The sections in comments are those of the specification. */
#include "listener/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char V1_START[] = "PROXY ";
static const unsigned char V2_SIGNATURE[12] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    V1_MIN = sizeof "PROXY UNKNOWN\r\n" - 1,
    V1_MAX = 107, /* 2.1 */
    V2_FIXED = 16,
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_UNSPECIFIED = 0x00,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    V2_UNIX = 0x31,
    V2_TCP4_LENGTH = 12,
    V2_TCP6_LENGTH = 36,
    V2_UNIX_LENGTH = 216
};

static bool begins_with(const unsigned char *bytes, size_t length, const void *start, size_t count)
{
    return memcmp(bytes, start, length < count ? length : count) == 0;
}

static bool is_v2(const unsigned char *bytes, size_t length)
{
    return begins_with(bytes, length, V2_SIGNATURE, sizeof V2_SIGNATURE);
}

/* --- its length ------------------------------------------------------------------------ */

/* The end is the first CR LF. Without a CR at the end of what is here, two bytes are missing. */
static ssize_t v1_wants(const unsigned char *bytes, size_t length)
{
    if (length < V1_MIN)
        return (ssize_t)(V1_MIN - length);
    const unsigned char *cr = memchr(bytes, '\r', length);
    if (cr && cr + 2 == bytes + length)
        return cr[1] == '\n' ? 0 : -1;
    if ((cr && cr + 1 != bytes + length) || length + (cr ? 1 : 2) > V1_MAX)
        return -1;
    return cr ? 1 : 2;
}

static ssize_t v2_wants(const unsigned char *bytes, size_t length)
{
    if (length < V2_FIXED)
        return (ssize_t)(V2_FIXED - length);
    size_t whole = V2_FIXED + ((size_t)bytes[14] << 8 | bytes[15]);
    return whole > PROXY_HEADER_MAX ? -1 : (ssize_t)(whole - length);
}

ssize_t proxy_header_wants(const unsigned char *bytes, size_t length)
{
    if (length == 0)
        return V1_MIN;
    if (is_v2(bytes, length))
        return v2_wants(bytes, length);
    return begins_with(bytes, length, V1_START, sizeof V1_START - 1) ? v1_wants(bytes, length) : -1;
}

/* --- what it says ---------------------------------------------------------------------- */

static socklen_t set_ipv4(struct sockaddr_storage *client, const void *address, in_port_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)client;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    memcpy(&in->sin_addr, address, sizeof in->sin_addr);
    return sizeof *in;
}

static socklen_t set_ipv6(struct sockaddr_storage *client, const void *address, in_port_t port)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)client;
    *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
    memcpy(&in6->sin6_addr, address, sizeof in6->sin6_addr);
    return sizeof *in6;
}

/* Takes a word of the line and the blank behind it. NULL: there is none. */
static char *take_word(char **at)
{
    char *word = strsep(at, " ");
    return word && *word ? word : NULL;
}

static bool read_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t digits = text ? strspn(text, "0123456789") : 0;
    if (digits == 0 || digits > 5 || text[digits] || (*text == '0' && digits > 1))
        return false;
    for (size_t i = 0; i < digits; i++)
        value = 10 * value + (unsigned)(text[i] - '0');
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

/* Reads "SOURCE DESTINATION PORT PORT". */
static enum proxy_header_source v1_addresses(char *at, int family, struct sockaddr_storage *client,
                                             socklen_t *size)
{
    unsigned char source[16], destination[16];
    uint16_t source_port, destination_port;
    const char *from = take_word(&at), *to = take_word(&at);
    if (!from || !to || inet_pton(family, from, source) != 1 ||
        inet_pton(family, to, destination) != 1 || !read_port(take_word(&at), &source_port) ||
        !read_port(take_word(&at), &destination_port) || at)
        return PROXY_HEADER_MALFORMED;
    *size = (family == AF_INET ? set_ipv4 : set_ipv6)(client, source, htons(source_port));
    return PROXY_HEADER_ADDRESS;
}

static enum proxy_header_source v1_read(const unsigned char *bytes, size_t length,
                                        struct sockaddr_storage *client, socklen_t *size)
{
    char line[V1_MAX + 1];
    memcpy(line, bytes, length - 2);
    line[length - 2] = '\0';
    char *at = line + sizeof V1_START - 1;
    if (strlen(line) != length - 2)
        return PROXY_HEADER_MALFORMED;
    const char *family = take_word(&at);
    if (family && strcmp(family, "UNKNOWN") == 0) /* 2.1: what follows is ignored */
        return PROXY_HEADER_PEER;
    if (family && strcmp(family, "TCP4") == 0 && at)
        return v1_addresses(at, AF_INET, client, size);
    if (family && strcmp(family, "TCP6") == 0 && at)
        return v1_addresses(at, AF_INET6, client, size);
    return PROXY_HEADER_MALFORMED;
}

/* The ports follow the two addresses. */
static enum proxy_header_source v2_addresses(const unsigned char *bytes, size_t length,
                                             unsigned family, struct sockaddr_storage *client,
                                             socklen_t *size)
{
    bool ipv4 = family == V2_TCP4;
    in_port_t port;
    if (length < (ipv4 ? V2_TCP4_LENGTH : V2_TCP6_LENGTH))
        return PROXY_HEADER_MALFORMED;
    memcpy(&port, bytes + (ipv4 ? 8 : 32), sizeof port);
    *size = (ipv4 ? set_ipv4 : set_ipv6)(client, bytes, port);
    return PROXY_HEADER_ADDRESS;
}

static enum proxy_header_source v2_read(const unsigned char *bytes, size_t length,
                                        struct sockaddr_storage *client, socklen_t *size)
{
    unsigned family = bytes[13];
    size_t rest = length - V2_FIXED;
    if (bytes[12] == V2_LOCAL) /* 2.2: the proxy's own connection, such as a health check */
        return PROXY_HEADER_PEER;
    if (bytes[12] != V2_PROXY)
        return PROXY_HEADER_MALFORMED;
    if (family == V2_UNSPECIFIED || (family == V2_UNIX && rest >= V2_UNIX_LENGTH))
        return PROXY_HEADER_PEER;
    return family == V2_TCP4 || family == V2_TCP6
               ? v2_addresses(bytes + V2_FIXED, rest, family, client, size)
               : PROXY_HEADER_MALFORMED;
}

enum proxy_header_source proxy_header_read(const unsigned char *bytes, size_t length,
                                           struct sockaddr_storage *client, socklen_t *size)
{
    if (proxy_header_wants(bytes, length) != 0)
        return PROXY_HEADER_MALFORMED;
    return is_v2(bytes, length) ? v2_read(bytes, length, client, size)
                                : v1_read(bytes, length, client, size);
}
