/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to the sink. It reads and writes what it can without waiting. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include "images.h"
#include "stream.h"
#include "transport.h"

/* What all connections share. */
struct sink {
    struct images *images;
    struct stream_room *room;
    unsigned char *piece; /* STREAM_PIECE bytes to receive into */
    SSL_CTX *context;     /* NULL: plain */
};

enum connection_wants { WANTS_INPUT, WANTS_OUTPUT, WANTS_END };

struct connection;

/* Takes the socket, also when it fails (NULL: no memory). `sink` outlives it. */
struct connection *connection_new(struct sink *sink, int socket);
void connection_free(struct connection *connection);

/* It can read, or write, whichever it wanted. What it wants next. */
enum connection_wants connection_run(struct connection *connection);

#endif
