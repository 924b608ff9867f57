/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the proxy: listening sockets, workers, the admin listener, and signals. */
#ifndef INTAKE_SERVER_H
#define INTAKE_SERVER_H

struct settings_sources;
struct snapshot;

/* Runs in the foreground until SIGTERM or SIGINT, and until the drain ends. Takes ownership of the
 * caller's reference to `first`. A reload reads `sources` again. Returns the exit status: 0 after a
 * drain, 1 if it could not start (the log says why). */
int server_run(struct snapshot *first, const struct settings_sources *sources);

#endif
