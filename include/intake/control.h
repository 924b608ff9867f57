/* SPDX-License-Identifier: Apache-2.0 */
/* Where a running program is asked to read its configuration again, and says what came of it: a
 * signal has no answer. A connection to it is the question; one message is the answer. */
#ifndef INTAKE_CONTROL_H
#define INTAKE_CONTROL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* The answer's first byte; lines of text follow. */
enum control_verdict { CONTROL_TAKEN = '0', CONTROL_NOT_TAKEN = '1' };

/* Abstract, so nothing is left behind and no directory is needed; with the process's id, as that is
 * how a service manager knows it. Returns its length. */
socklen_t control_address(pid_t pid, struct sockaddr_un *address);

/* Has the process reload, tells `out` or `errors` what it says, and returns the exit status. */
int control_ask(pid_t pid, FILE *out, FILE *errors);

#endif
