/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that this process was started with: by systemd (systemd.socket(5)), or by the
 * process that it replaces. They are passed as sd_listen_fds(3) describes: LISTEN_FDS, LISTEN_PID.
 *
 * A socket is for the configured address to which it is bound. LISTEN_FDNAMES only says which ones
 * glance-intake has opened itself. */
#ifndef INTAKE_PASSED_SOCKETS_H
#define INTAKE_PASSED_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* The name of a socket that glance-intake has opened, so that it removes the file of a unix socket.
 * Other sockets are of the service manager, which does that. */
#define PASSED_OWN   "own"
#define PASSED_OTHER "other"

struct passed_socket {
    int fd;   /* -1: it was taken */
    bool own; /* glance-intake has opened it */
    struct sockaddr_storage address;
    socklen_t length;
};

/* Zero-initialised: there are none. */
struct passed_sockets {
    struct passed_socket *all; /* owned */
    size_t count;
};

/* Reads the variables and removes them from the environment, so call it before other threads start.
 * Each socket becomes non-blocking and close-on-exec. False: one of them does not listen, or there
 * is no memory; `error` says so. Call passed_sockets_free() in either case. */
bool passed_sockets_read(struct passed_sockets *passed, char *error, size_t error_size);

/* Returns a socket that is bound to exactly this address, which the caller then owns, and whether
 * it is an own one. -1: none, or no further one. */
int passed_sockets_take(struct passed_sockets *passed, const struct sockaddr *address, bool *own);

/* Writes the address as the configuration has it: "0.0.0.0:9292", "[::]:9292", "unix:/path". */
void passed_socket_address(const struct passed_socket *socket, char *text, size_t size);

/* Closes what nobody has taken. */
void passed_sockets_free(struct passed_sockets *passed);

#endif
