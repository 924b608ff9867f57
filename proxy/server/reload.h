/* SPDX-License-Identifier: Apache-2.0 */
/* A reload, from the files to what is said of it. What it does to the program is server.c's. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "intake/admin.h"
#include "intake/diagnostics.h"

#include <stdatomic.h>
#include <stdbool.h>

struct settings_sources;
struct snapshot;

struct reload {
    struct snapshot *fresh;  /* NULL: nothing can be taken */
    struct diagnostics said; /* why; or else what needs a restart, while all the rest is taken */
};

/* `started` is what sockets and threads were made of, `running` what is in force. What only a
 * restart can change stays as it is in `fresh`, where anything at run time depends on it. */
void reload_read(struct reload *reload, const struct settings_sources *sources,
                 const struct snapshot *started, struct snapshot *running);

/* To the log, to systemd (STATUS=), and into the facts that the admin pages show. */
void reload_tell(const struct reload *reload, struct config_facts *facts);

/* Frees what was said. `fresh` is whoever's took it. */
void reload_free(struct reload *reload);

/* --- control.c: whoever asks for a reload and waits for what comes of it ------------------- */

enum { CHANNEL_TEXT_MAX = 8 * 1024 };

/* A socket that is ready when somebody asks; -1: there is none, and the log says why. */
int channel_open(void);

/* -1: it was nobody who may ask. Else the connection that channel_answer() closes. */
int channel_accept(int channel);
void channel_answer(int asker, const struct reload *reload);

#endif
