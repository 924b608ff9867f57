/* SPDX-License-Identifier: Apache-2.0 */
/* The process that this one replaces, if it was started by one (SIGUSR2). It goes on until this one
 * says that it serves. proxy/server/successor.h has its side, and the messages. */
#ifndef INTAKE_PREDECESSOR_H
#define INTAKE_PREDECESSOR_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns the channel to it, a descriptor. -1: there is none. Removes the variable that names the
 * channel from the environment, so call it once, before other threads start. */
int predecessor_find(void);

/* Tells it that this process cannot serve, and why, as a clause. -1 is fine. */
void predecessor_tell_failure(int predecessor, const char *why);

/* Tells it that this process serves. It then stops accepting connections. */
void predecessor_tell_ready(int predecessor);

/* What happened on the channel, which is readable: it has made this process the main one; it has
 * ended; or neither. Never blocks. */
enum predecessor_news { PREDECESSOR_SILENT, PREDECESSOR_CONFIRMS, PREDECESSOR_ENDED };
enum predecessor_news predecessor_news(int predecessor);

/* Its process id. */
pid_t predecessor_pid(int predecessor);

/* Sends it SIGHUP, unless it has ended: it opens its log again. -1 is fine. */
void predecessor_hang_up(int predecessor);

#endif
