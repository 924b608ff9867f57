/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of the sink, plain or TLS, non-blocking. */
#ifndef BENCH_TRANSPORT_H
#define BENCH_TRANSPORT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

struct transport {
    int socket;
    SSL *tls; /* NULL: plain */
};

/* NULL: the PEM file has no certificate with its key. */
SSL_CTX *transport_context(const char *pem);

/* Takes the socket, also when it fails. `context` may be NULL: plain. */
bool transport_open(struct transport *transport, int socket, SSL_CTX *context);
void transport_close(struct transport *transport);

/* As recv() and send() return. `more` follows what is sent. */
ssize_t transport_receive(struct transport *transport, void *bytes, size_t room);
ssize_t transport_send(struct transport *transport, const void *bytes, size_t count, bool more);

/* Whether bytes are there that the socket does not have any more. */
bool transport_has_some(const struct transport *transport);

#endif
