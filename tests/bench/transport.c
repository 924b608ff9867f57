/* SPDX-License-Identifier: Apache-2.0 */
#include "transport.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

/* Unsent bytes are sent again from wherever they then are. */
SSL_CTX *transport_context(const char *pem)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context && SSL_CTX_use_certificate_file(context, pem, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, pem, SSL_FILETYPE_PEM) == 1) {
        SSL_CTX_set_mode(context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

bool transport_open(struct transport *transport, int socket, SSL_CTX *context)
{
    *transport = (struct transport){.socket = socket, .tls = context ? SSL_new(context) : NULL};
    if (!context)
        return true;
    if (transport->tls && SSL_set_fd(transport->tls, socket)) {
        SSL_set_accept_state(transport->tls);
        return true;
    }
    transport_close(transport);
    return false;
}

void transport_close(struct transport *transport)
{
    SSL_free(transport->tls);
    close(transport->socket);
}

/* OpenSSL's results in the words of recv(). */
static ssize_t told(const struct transport *transport, int result)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(transport->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        errno = EIO;
        return -1;
    }
}

static int at_most(size_t count)
{
    return count < INT_MAX ? (int)count : INT_MAX;
}

ssize_t transport_receive(struct transport *transport, void *bytes, size_t room)
{
    if (transport->tls)
        return told(transport, SSL_read(transport->tls, bytes, at_most(room)));
    return recv(transport->socket, bytes, room, 0);
}

ssize_t transport_send(struct transport *transport, const void *bytes, size_t count, bool more)
{
    if (transport->tls)
        return told(transport, SSL_write(transport->tls, bytes, at_most(count)));
    return send(transport->socket, bytes, count, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

bool transport_has_some(const struct transport *transport)
{
    return transport->tls && SSL_pending(transport->tls) > 0;
}
