/* SPDX-License-Identifier: Apache-2.0 */
/* The header of the PROXY protocol, versions 1 and 2, which a proxy sends before the first byte of
 * its client: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt */
#ifndef LISTENER_PROXY_HEADER_H
#define LISTENER_PROXY_HEADER_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Version 2 may have up to 64 KiB of further fields; so much is enough for those that exist. */
enum { PROXY_HEADER_MAX = 4096 };

/* How many bytes more belong to the header in any case, so that they can be read without a byte of
 * what follows. 0: it is complete. -1: it is malformed, or too long. */
ssize_t proxy_header_wants(const unsigned char *bytes, size_t length);

enum proxy_header_source {
    PROXY_HEADER_MALFORMED,
    PROXY_HEADER_ADDRESS, /* the client has this address */
    PROXY_HEADER_PEER     /* it names none: the proxy itself is the client, or does not know it */
};

/* Reads a complete header. `client` is set only with PROXY_HEADER_ADDRESS. */
enum proxy_header_source proxy_header_read(const unsigned char *bytes, size_t length,
                                           struct sockaddr_storage *client, socklen_t *size);

#endif
