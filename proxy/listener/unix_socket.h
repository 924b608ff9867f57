/* SPDX-License-Identifier: Apache-2.0 */
/* Listening unix sockets; for sockets.c. */
#ifndef LISTENER_UNIX_SOCKET_H
#define LISTENER_UNIX_SOCKET_H

struct bind_address;

/* Returns a listening socket at the address, which is a unix socket's. -1: failed, with errno;
 * EADDRINUSE: another program listens there, or another kind of file is there. */
int unix_socket_open(const struct bind_address *bind_to, int backlog);

/* Removes the file, unless a program listens to it. */
void unix_socket_remove(const struct bind_address *bind_to);

#endif
