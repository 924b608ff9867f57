/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the proxy: listening sockets, workers, the admin listener, and signals. */
#ifndef INTAKE_SERVER_H
#define INTAKE_SERVER_H

struct settings_sources;
struct snapshot;

/* How this process was started. Borrowed. */
struct server_start {
    const struct settings_sources *sources; /* a reload reads them again */
    char *const *arguments;                 /* argv: SIGUSR2 starts the program with them again */
    int predecessor;                        /* a channel (predecessor.h); -1: none */
};

/* Runs in the foreground until SIGTERM or SIGINT, or until another process has taken over, and
 * until the drain ends. Takes ownership of the caller's reference to `first`. Returns the exit
 * status: 0 after a drain, 1 if it could not start (the log says why). */
int server_run(struct snapshot *first, const struct server_start *start);

#endif
