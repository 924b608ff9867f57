/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pipe.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

const struct pipe NO_PIPE = {{-1, -1}};

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
