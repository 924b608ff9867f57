/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration in force: settings, policy and certificates, read together, immutable, shared
 * by reference count. An exchange holds the one it began with until it ends, so a reload never
 * changes the rules under an upload. */
#ifndef INTAKE_SNAPSHOT_H
#define INTAKE_SNAPSHOT_H

struct policy;
struct diagnostics;
struct settings;
struct settings_sources;
struct tls_identity;

struct snapshot {
    struct settings *settings;
    struct policy *policy;
    struct tls_identity *tls; /* NULL: the listener speaks plain HTTP */
    struct snapshot *lender;  /* whose `tls` it is, and who is held for that; NULL: its own */
    _Atomic unsigned references;
};

/* With one reference, the caller's. NULL when there is any problem: all are in `problems`. */
struct snapshot *snapshot_load(const struct settings_sources *sources,
                               struct diagnostics *diagnostics);

/* For one without an identity, before it is shared: the listener goes on with the other's. */
void snapshot_borrow_tls(struct snapshot *snapshot, struct snapshot *from);

struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* NULL is fine */

#endif
