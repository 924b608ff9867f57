/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe through which bytes go from socket to socket without leaving the kernel (splice(2)). */
#ifndef NET_PIPE_H
#define NET_PIPE_H

#include <stdbool.h>

enum { PIPE_SIZE = 1 << 20 }; /* bytes that fit in */

struct pipe {
    int ends[2]; /* read, write; -1: there is none */
};

extern const struct pipe NO_PIPE;

/* Opens it if it is not open. False: there is none to be had. A user may only have so many open
 * files, and so many pages in pipes (pipe(7)); a small pipe would take more calls than a copy. */
bool pipe_open(struct pipe *pipe);

void pipe_close(struct pipe *pipe);

#endif
