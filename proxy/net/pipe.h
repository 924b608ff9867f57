/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe for splice(2): bytes move from socket to socket without leaving the kernel. */
#ifndef NET_PIPE_H
#define NET_PIPE_H

#include <stdbool.h>

enum { PIPE_SIZE = 1 << 20 }; /* capacity in bytes */

struct pipe {
    int ends[2]; /* read end, write end; -1: not open */
};

extern const struct pipe NO_PIPE;

/* Opens the pipe if it is not open. False: the kernel's limits of open files or of pipe pages per
 * user are reached (pipe(7)). A pipe smaller than PIPE_SIZE is not used: it would take more calls
 * than copying. */
bool pipe_open(struct pipe *pipe);

void pipe_close(struct pipe *pipe);

#endif
