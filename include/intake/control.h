/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket, for reloads with a result; a signal has none. A client connects to request a
 * reload, and receives one message with the result. */
#ifndef INTAKE_CONTROL_H
#define INTAKE_CONTROL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* The first byte of the answer; lines of text follow. */
enum control_verdict { CONTROL_TAKEN = '0', CONTROL_NOT_TAKEN = '1' };

/* Writes the address of a process's control socket, and returns its length. The address is
 * abstract, so it needs no directory and leaves no file. It has the process id, because service
 * managers know that. */
socklen_t control_address(pid_t pid, struct sockaddr_un *address);

/* Requests a reload and waits for the result, up to 60 s. Prints it to `out` or `errors`. Returns
 * the exit status. */
int control_ask(pid_t pid, FILE *out, FILE *errors);

#endif
