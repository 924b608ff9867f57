/* SPDX-License-Identifier: Apache-2.0 */
/* The whole program at work: listening sockets, workers, the admin listener, and signals. */
#ifndef INTAKE_SERVER_H
#define INTAKE_SERVER_H

struct settings_sources;
struct snapshot;

/* Runs in the foreground until SIGTERM or SIGINT and the drain; takes over the caller's
 * reference to `first`. `sources` is what SIGHUP reads again. Returns the exit status: 0 after
 * a drain, 1 when it could not start (the log says why). */
int server_run(struct snapshot *first, const struct settings_sources *sources);

#endif
