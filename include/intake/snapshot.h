/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration in force: settings, policy and certificates that were read together. Immutable,
 * shared by reference count. An exchange holds its snapshot until it ends, so a reload never
 * changes the rules during an upload. */
#ifndef INTAKE_SNAPSHOT_H
#define INTAKE_SNAPSHOT_H

struct policy;
struct diagnostics;
struct settings;
struct settings_sources;
struct tls_clients;
struct tls_identity;

struct snapshot {
    struct settings *settings;
    struct policy *policy;
    struct tls_identity *tls;    /* NULL: the listener speaks plain HTTP */
    struct tls_clients *clients; /* NULL: clients need no certificate */
    struct snapshot *lender;     /* owns `tls` and `clients`, and is held; NULL: they are its own */
    _Atomic unsigned references;
};

/* Returns a snapshot with one reference, the caller's. NULL: there are errors; `diagnostics` has
 * all of them. */
struct snapshot *snapshot_load(const struct settings_sources *sources,
                               struct diagnostics *diagnostics);

/* Lends the identity of `from` to a snapshot without one, before that is shared. The demand for
 * clients' certificates goes with it: TLS stays as it is until a restart. */
void snapshot_borrow_tls(struct snapshot *snapshot, struct snapshot *from);

/* Adds a reference, and returns `snapshot`. Thread-safe, as is snapshot_release(). */
struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* NULL is fine */

#endif
