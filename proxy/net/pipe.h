/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe for splice(2): bytes move from socket to socket without leaving the kernel. */
#ifndef NET_PIPE_H
#define NET_PIPE_H

#include "intake/stream.h"

#include <stdbool.h>
#include <stddef.h>

struct net_socket;

enum { PIPE_SIZE = 1 << 20 }; /* capacity in bytes */

struct pipe {
    int ends[2]; /* read end, write end; -1: not open */
};

extern const struct pipe NO_PIPE;

/* Bytes in a pipe that a socket has not taken. */
struct unsent_pipe {
    struct pipe pipe;
    size_t count;
};

extern const struct unsent_pipe NO_UNSENT_PIPE;

/* Opens the pipe if it is not open. False: the kernel's limits of open files or of pipe pages per
 * user are reached (pipe(7)). A pipe smaller than PIPE_SIZE is not used: it would take more calls
 * than copying. */
bool pipe_open(struct pipe *pipe);

void pipe_close(struct pipe *pipe);

/* Sends the `count` bytes that are in `shared`, which is empty afterwards. If the socket does not
 * take all of them, `unsent` gets the pipe with the rest, and `shared` is no longer open. Returns
 * STREAM_END if all were sent, or the code of net_splice_out(). */
enum stream_code pipe_send(struct pipe *shared, size_t count, const struct net_socket *socket,
                           struct unsent_pipe *unsent);

/* Sends what an earlier call has left. Its pipe then becomes the shared one, if none is open.
 * Returns as pipe_send(). */
enum stream_code pipe_send_unsent(struct unsent_pipe *unsent, const struct net_socket *socket,
                                  struct pipe *shared);

/* Sends what it can, and keeps the pipe. Returns as pipe_send(). */
enum stream_code pipe_send_some(struct unsent_pipe *unsent, const struct net_socket *socket);

/* The pipe, which must be empty, becomes the shared one if none is open. Otherwise it is closed. */
void pipe_give_back(struct unsent_pipe *unsent, struct pipe *shared);

/* Closes the pipe. The unsent bytes are lost. */
void pipe_drop_unsent(struct unsent_pipe *unsent);

#endif
