/* SPDX-License-Identifier: Apache-2.0 */
/* A reload: reads the files and reports the result. server.c puts the new snapshot in force. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "intake/admin.h"
#include "intake/diagnostics.h"

#include <stdatomic.h>
#include <stdbool.h>

struct settings_sources;
struct snapshot;

struct reload {
    struct snapshot *snapshot;   /* NULL: the configuration is rejected */
    struct diagnostics messages; /* the errors; or, if it is accepted, what needs a restart */
};

/* Reads the configuration. `started` is the snapshot at the start of the program, of which sockets
 * and threads were made; `running` is the one in force. The new snapshot keeps the TLS identity of
 * `running` if its own settings have none: only a restart can turn TLS off. */
void reload_read(struct reload *reload, const struct settings_sources *sources,
                 const struct snapshot *started, struct snapshot *running);

/* Reports the result to the log, to systemd (STATUS=), and in `facts` for the admin pages. */
void reload_report(const struct reload *reload, struct config_facts *facts);

/* Frees the messages. The server owns the snapshot. */
void reload_free(struct reload *reload);

/* --- control.c: the socket for clients that request a reload and wait for the result ------- */

enum { CHANNEL_TEXT_MAX = 8 * 1024 };

/* Opens the listening socket. -1: it failed, and the log says why. */
int channel_open(void);

/* Accepts a client and returns its connection, which channel_answer() closes. -1: there is none, or
 * the client may not request a reload. */
int channel_accept(int channel);
/* Sends the result of the reload, without blocking, and closes the connection. */
void channel_answer(int client, const struct reload *reload);

#endif
