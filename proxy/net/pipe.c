/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe between two sockets, and what of it a socket has not taken. */
#include "net/pipe.h"

#include "net/socket.h"

#include <fcntl.h>
#include <unistd.h>

const struct pipe NO_PIPE = {{-1, -1}};
const struct unsent_pipe NO_UNSENT_PIPE = {{{-1, -1}}, 0};

bool pipe_open(struct pipe *pipe)
{
    if (pipe->ends[0] >= 0)
        return true;
    if (pipe2(pipe->ends, O_CLOEXEC | O_NONBLOCK) != 0)
        *pipe = NO_PIPE;
    else if (fcntl(pipe->ends[1], F_SETPIPE_SZ, PIPE_SIZE) < PIPE_SIZE)
        pipe_close(pipe);
    return pipe->ends[0] >= 0;
}

void pipe_close(struct pipe *pipe)
{
    for (size_t i = 0; i < 2; i++)
        if (pipe->ends[i] >= 0)
            close(pipe->ends[i]);
    *pipe = NO_PIPE;
}

static enum stream_code empty(const struct pipe *pipe, size_t *count,
                              const struct net_socket *socket)
{
    while (*count) {
        ssize_t moved = net_splice_out(socket, pipe->ends[0], *count);
        if (moved < 0)
            return (enum stream_code)moved;
        *count -= (size_t)moved;
    }
    return STREAM_END;
}

enum stream_code pipe_send(struct pipe *shared, size_t count, const struct net_socket *socket,
                           struct unsent_pipe *unsent)
{
    enum stream_code code = empty(shared, &count, socket);
    if (code != STREAM_END) {
        *unsent = (struct unsent_pipe){*shared, count};
        *shared = NO_PIPE;
    }
    return code;
}

enum stream_code pipe_send_some(struct unsent_pipe *unsent, const struct net_socket *socket)
{
    return empty(&unsent->pipe, &unsent->count, socket);
}

void pipe_give_back(struct unsent_pipe *unsent, struct pipe *shared)
{
    if (shared->ends[0] < 0) {
        *shared = unsent->pipe;
        unsent->pipe = NO_PIPE;
    }
    pipe_close(&unsent->pipe);
}

enum stream_code pipe_send_unsent(struct unsent_pipe *unsent, const struct net_socket *socket,
                                  struct pipe *shared)
{
    enum stream_code code = pipe_send_some(unsent, socket);
    if (code == STREAM_END)
        pipe_give_back(unsent, shared);
    return code;
}

void pipe_drop_unsent(struct unsent_pipe *unsent)
{
    pipe_close(&unsent->pipe);
    unsent->count = 0;
}
