/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket, for reloads with a result; a signal has none. A client connects to request a
 * reload, and receives one message with the result. */
#ifndef INTAKE_CONTROL_H
#define INTAKE_CONTROL_H

#include <stdio.h>
#include <sys/types.h>

/* The first byte of the answer; lines of text follow. */
enum control_verdict { CONTROL_TAKEN = '0', CONTROL_NOT_TAKEN = '1' };

/* Requests a reload and waits for the result, up to 60 s. Prints it to `out` or `errors`. Returns
 * the exit status. */
int control_ask(pid_t pid, FILE *out, FILE *errors);

#endif
