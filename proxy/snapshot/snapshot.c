/* SPDX-License-Identifier: Apache-2.0 */
/* Reads settings, policy and certificates as one configuration, and counts the references to it. A
 * snapshot can borrow the certificate of an older one, its lender. */
#include "intake/snapshot.h"

#include "intake/diagnostics.h"
#include "intake/policy.h"
#include "intake/settings.h"
#include "intake/spool.h"
#include "intake/tls_clients.h"
#include "intake/tls_identity.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { WHY_MAX = 256 };

/* A lender never borrows itself, so the recursion has one level. */
static void snapshot_free(struct snapshot *snapshot) /* NOLINT(misc-no-recursion) */
{
    if (!snapshot->lender) {
        tls_identity_free(snapshot->tls);
        tls_clients_free(snapshot->clients);
    }
    snapshot_release(snapshot->lender);
    policy_free(snapshot->policy);
    settings_free(snapshot->settings);
    free(snapshot);
}

/* An identity that cannot be loaded is always an error, or the listener would speak plain HTTP. */
static void load_tls(struct snapshot *snapshot, struct diagnostics *diagnostics)
{
    const struct settings *settings = snapshot->settings;
    const char *cert = settings->listen.tls_cert_file;
    const char *key = settings->listen.tls_key_file;
    if (!cert || !key)
        return;
    snapshot->tls = tls_identity_load(cert, key, diagnostics);
    if (!snapshot->tls && diagnostics->count == 0)
        diagnostics_add(diagnostics, cert, 0, "no memory");
}

/* The same is true of the authorities: else every client would be let in. */
static void load_clients(struct snapshot *snapshot, struct diagnostics *diagnostics)
{
    const char *ca_file = snapshot->settings->listen.tls_client_ca_file;
    if (!ca_file)
        return;
    snapshot->clients = tls_clients_load(ca_file, diagnostics);
    if (!snapshot->clients && diagnostics->count == 0)
        diagnostics_add(diagnostics, ca_file, 0, "no memory");
}

/* libcurl reads the files again for each connection. A fault in them is reported now. */
static void try_client_cert(const struct settings *settings, struct diagnostics *diagnostics)
{
    if (settings->glance.client_cert_file && settings->glance.client_key_file)
        tls_identity_check_files(settings->glance.client_cert_file,
                                 settings->glance.client_key_file, diagnostics);
}

static void report_spool(const struct settings *settings, struct diagnostics *diagnostics,
                         const char *format, ...) __attribute__((format(printf, 3, 4)));

static void report_spool(const struct settings *settings, struct diagnostics *diagnostics,
                         const char *format, ...)
{
    char what[WHY_MAX * 2];
    const char *file = settings->upload.spool_dir_file;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    diagnostics_add(diagnostics, file ? file : "default", settings->upload.spool_dir_line,
                    "[upload] spool_dir: %s", what);
}

/* Reports a bad directory now, not at the first upload that needs it. That it is not set is
 * reported here only if a store needs it: config/check.c does not know the policy. */
static void try_spool(const struct settings *settings, const struct policy *policy,
                      struct diagnostics *diagnostics)
{
    char why[WHY_MAX];
    const char *directory = settings->upload.spool_dir;
    const char *setting = settings_spool_user(settings);
    const char *store = policy ? policy_spooling_store(policy) : NULL;
    if (!setting && !store)
        return;
    if (directory && !spools_try_directory(directory, why, sizeof why))
        report_spool(settings, diagnostics, "%s %s; name another or set %s", directory, why,
                     setting ? setting : "unknown_length of the store");
    if (!directory && !setting)
        report_spool(settings, diagnostics,
                     "must be set with unknown_length: spool of the store %s", store);
}

/* Continues with policy and certificate even if the settings have errors, so that all errors are
 * reported at once. */
static void load_parts(struct snapshot *snapshot, const struct settings_sources *sources,
                       struct diagnostics *diagnostics)
{
    snapshot->settings = settings_read(sources, diagnostics);
    if (!snapshot->settings)
        return;
    if (snapshot->settings->policy.file)
        snapshot->policy = policy_load(snapshot->settings->policy.file, diagnostics);
    load_tls(snapshot, diagnostics);
    load_clients(snapshot, diagnostics);
    try_client_cert(snapshot->settings, diagnostics);
    try_spool(snapshot->settings, snapshot->policy, diagnostics);
}

struct snapshot *snapshot_load(const struct settings_sources *sources,
                               struct diagnostics *diagnostics)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot) {
        diagnostics_add(diagnostics, "configuration", 0, "no memory");
        return NULL;
    }
    load_parts(snapshot, sources, diagnostics);
    if (diagnostics->count > 0) {
        snapshot_free(snapshot);
        return NULL;
    }
    atomic_init(&snapshot->references, 1);
    return snapshot;
}

/* Borrows from the original lender. Otherwise a chain of reloads would keep all old snapshots. A
 * snapshot without an identity has no authorities of its own: config/check.c refuses them. */
void snapshot_borrow_tls(struct snapshot *snapshot, struct snapshot *from)
{
    snapshot->lender = snapshot_hold(from->lender ? from->lender : from);
    snapshot->tls = from->tls;
    snapshot->clients = from->clients;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    unsigned before = atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot) /* NOLINT(misc-no-recursion) */
{
    if (!snapshot)
        return;
    /* acq_rel: the thread that frees must see all changes of the other threads. */
    unsigned before = atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        snapshot_free(snapshot);
}
