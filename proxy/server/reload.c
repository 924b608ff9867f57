/* SPDX-License-Identifier: Apache-2.0 */
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
    reload->fresh = snapshot_load(sources, &reload->said);
    if (!reload->fresh)
        return;
    settings_needing_restart(started->settings, reload->fresh->settings, &reload->said);
    if (started->tls && !reload->fresh->tls)
        snapshot_borrow_tls(reload->fresh, running);
}

static void tell_log(const struct reload *reload)
{
    enum log_level level = reload->fresh ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
    for (size_t i = 0; i < reload->said.count; i++)
        log_say(level, "%s", reload->said.lines[i]);
    if (!reload->fresh)
        log_say(LOG_LEVEL_ERROR, "the new configuration was not taken; the old one stays in force");
    else
        log_say(LOG_LEVEL_INFO, "the configuration was read again and is in force%s",
                reload->said.count ? ", but for what needs a restart" : "");
}

/* systemctl status shows one line of it. */
static void tell_systemd(const struct reload *reload)
{
    const struct diagnostics *said = &reload->said;
    const char *first = said->count ? said->lines[0] : "";
    const char *more = said->count > 1 ? " (and more: see the log)" : "";
    if (!reload->fresh)
        sd_notifyf(0, "READY=1\nSTATUS=The new configuration was not taken: %s%s", first, more);
    else if (said->count)
        sd_notifyf(0, "READY=1\nSTATUS=Serving; not all of the new configuration is in force: %s%s",
                   first, more);
    else
        sd_notify(0, "READY=1\nSTATUS=Serving; the new configuration is in force");
}

void reload_tell(const struct reload *reload, struct config_facts *facts)
{
    atomic_store(&facts->last_successful, reload->fresh != NULL);
    if (reload->fresh)
        atomic_store(&facts->last_success_ms, clock_wall_ms());
    tell_log(reload);
    tell_systemd(reload);
}

void reload_free(struct reload *reload)
{
    diagnostics_free(&reload->said);
    *reload = (struct reload){0};
}
