/* SPDX-License-Identifier: Apache-2.0 */
/* Warns about settings that are valid but probably not what was meant. */
#include "config/config_priv.h"
#include "intake/diagnostics.h"

#include <string.h>

/* Where auth_url was set: it needs a restart, so its place is kept. */
static struct setting_place auth_url_place(const struct settings *settings)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].section, "keystone") == 0 &&
            strcmp(settings_table[i].key, "auth_url") == 0)
            return settings->places[i];
    return (struct setting_place){"default", 0};
}

static bool is_on_this_host(const char *url)
{
    static const char *const hosts[] = {"http://127.", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strncmp(url, hosts[i], strlen(hosts[i])) == 0)
            return true;
    return false;
}

void settings_warn(const struct settings *settings, struct diagnostics *warnings)
{
    const char *url = settings->keystone.auth_url;
    const struct networks *trusted = &settings->listen.trusted_proxies;
    if (!url)
        return;
    struct setting_place place = auth_url_place(settings);
    if (strncmp(url, "http://", strlen("http://")) == 0 && !is_on_this_host(url))
        diagnostics_add(warnings, place.file, place.line,
                        "warning: [keystone] auth_url: passwords go to Keystone in plain HTTP; use "
                        "its https:// address");
    if (!settings->listen.tls_cert_file && !trusted->count && !trusted->unix_sockets)
        diagnostics_add(warnings, place.file, place.line,
                        "warning: [keystone] auth_url: passwords are accepted only over TLS, and "
                        "this proxy has none; set [listen] tls_cert_file, or trusted_proxies if a "
                        "proxy in front of this one speaks TLS");
}
