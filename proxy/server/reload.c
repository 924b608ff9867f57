/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the configuration again, and reports the result to the log, to systemd and to the metrics.
 * */
#include "server/reload.h"

#include "intake/clock.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <systemd/sd-daemon.h>

void reload_read(struct reload *reload, const struct settings_sources *sources,
                 const struct snapshot *started, struct snapshot *running)
{
    *reload = (struct reload){0};
    reload->snapshot = snapshot_load(sources, &reload->messages);
    if (!reload->snapshot)
        return;
    settings_needing_restart(started->settings, reload->snapshot->settings, &reload->messages);
    if (started->tls && !reload->snapshot->tls)
        snapshot_borrow_tls(reload->snapshot, running);
}

static void report_to_log(const struct reload *reload)
{
    enum log_level level = reload->snapshot ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
    for (size_t i = 0; i < reload->messages.count; i++)
        log_say(level, "%s", reload->messages.lines[i]);
    if (!reload->snapshot)
        log_say(LOG_LEVEL_ERROR, "the new configuration was not taken; the old one stays in force");
    else
        log_say(LOG_LEVEL_INFO, "the configuration was read again and is in force%s",
                reload->messages.count ? ", but for what needs a restart" : "");
}

/* systemctl status shows one line of the status. */
static void report_to_systemd(const struct reload *reload)
{
    const struct diagnostics *messages = &reload->messages;
    const char *first = messages->count ? messages->lines[0] : "";
    const char *more = messages->count > 1 ? " (and more: see the log)" : "";
    if (!reload->snapshot)
        sd_notifyf(0, "READY=1\nSTATUS=The new configuration was not taken: %s%s", first, more);
    else if (messages->count)
        sd_notifyf(0, "READY=1\nSTATUS=Serving; not all of the new configuration is in force: %s%s",
                   first, more);
    else
        sd_notify(0, "READY=1\nSTATUS=Serving; the new configuration is in force");
}

void reload_report(const struct reload *reload, struct config_facts *facts)
{
    atomic_store(&facts->last_successful, reload->snapshot != NULL);
    if (reload->snapshot)
        atomic_store(&facts->last_success_ms, clock_wall_ms());
    report_to_log(reload);
    report_to_systemd(reload);
}

void reload_free(struct reload *reload)
{
    diagnostics_free(&reload->messages);
    *reload = (struct reload){0};
}
