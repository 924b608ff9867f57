/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench-load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(1); /* the other threads may be using what exit() would take away */
}

void target_speak_tls(struct target *target)
{
    target->context = SSL_CTX_new(TLS_client_method());
    if (!target->context || !SSL_CTX_set_min_proto_version(target->context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(target->context, "TLS_AES_256_GCM_SHA384"))
        fail("TLS cannot be set up");
}

void target_clear(struct target *target)
{
    SSL_CTX_free(target->context);
}

static void shake_hands(struct wire *wire, const struct target *target)
{
    wire->tls = SSL_new(target->context);
    if (!wire->tls || !SSL_set_fd(wire->tls, wire->socket) || SSL_connect(wire->tls) != 1)
        fail("no TLS with port %u", target->port);
}

/* Reset when it is closed: thousands of them would stay behind in TIME_WAIT otherwise. */
void wire_open(struct wire *wire, const struct target *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(target->port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct linger reset = {.l_onoff = 1};
    int one = 1;
    *wire = (struct wire){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (wire->socket < 0 || connect(wire->socket, (struct sockaddr *)&address, sizeof address) < 0)
        fail("no connection to port %u: %s", target->port, strerror(errno));
    setsockopt(wire->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(wire->socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (target->context)
        shake_hands(wire, target);
}

void wire_close(struct wire *wire)
{
    SSL_free(wire->tls);
    close(wire->socket);
}

bool wire_is_quiet(const struct wire *wire)
{
    char byte;
    ssize_t got = recv(wire->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return (got < 0 && errno == EAGAIN) || (got > 0 && wire->tls);
}

static ssize_t send_some(struct wire *wire, const void *bytes, size_t count)
{
    if (wire->tls)
        return SSL_write(wire->tls, bytes, count < INT_MAX ? (int)count : INT_MAX);
    return send(wire->socket, bytes, count, MSG_NOSIGNAL);
}

bool wire_send(struct wire *wire, const void *bytes, size_t count)
{
    for (size_t sent = 0; sent < count;) {
        ssize_t now = send_some(wire, (const char *)bytes + sent, count - sent);
        if (now <= 0)
            return false;
        sent += (size_t)now;
    }
    return true;
}

size_t wire_receive(struct wire *wire, void *bytes, size_t room)
{
    ssize_t got;
    if (wire->tls)
        got = SSL_read(wire->tls, bytes, room < INT_MAX ? (int)room : INT_MAX);
    else
        got = recv(wire->socket, bytes, room, 0);
    return got > 0 ? (size_t)got : 0;
}
