/* SPDX-License-Identifier: Apache-2.0 */
/* The process that replaces this one: it is started with the listening sockets of this one, and
 * says when it serves. Its side is in intake/predecessor.h.
 *
 * The channel between the two is a pair of SOCK_SEQPACKET sockets. Each message is a word, or a
 * word and a text:
 *
 *   to this process   pid N         its process id
 *                     exec ERRNO    the program cannot be executed
 *                     failed WHY    it cannot serve; WHY is a clause
 *                     ready         it serves
 *   to the new one    go            it is the main process now
 *
 * Each side sees the end of the other one as the end of the channel. */
#ifndef SERVER_SUCCESSOR_H
#define SERVER_SUCCESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A listening socket to pass on; its name is for LISTEN_FDNAMES. */
struct passed_on {
    int fd;
    const char *name;
};

enum successor_state { SUCCESSOR_STARTING, SUCCESSOR_READY, SUCCESSOR_FAILED };

/* Zero-initialised: there is none. */
struct successor {
    enum successor_state state; /* valid with `alive`, as the channel is */
    bool alive;                 /* it was started, and the channel is open */
    int channel;
    pid_t pid;           /* 0: it has not said it yet */
    uint64_t give_up_at; /* in clock_ms() time */
    char why[256];       /* why it failed, as a clause */
};

/* Starts the program `arguments[0]` (found in PATH if it has no slash) with these arguments, the
 * environment of this process, and the sockets. It has `timeout_ms` to become ready. False: it was
 * not started, and `why` is set. Borrows everything only for the call. */
bool successor_start(struct successor *successor, char *const *arguments,
                     const struct passed_on *sockets, size_t count, unsigned timeout_ms);

/* Reads what it has said, without blocking, and whether its time is over: then it is killed. */
void successor_update(struct successor *successor);

/* Tells it that it is the main process. */
void successor_confirm(const struct successor *successor);

/* Kills it if it is not ready yet. Closes the channel. */
void successor_end(struct successor *successor);

#endif
