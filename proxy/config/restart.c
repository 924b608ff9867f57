/* SPDX-License-Identifier: Apache-2.0 */
/* Finds changed settings that need a restart: sockets and threads are created at start, and a
 * reload cannot change them. */
#include "config/config_priv.h"
#include "intake/buffer.h"
#include "intake/diagnostics.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 4096 };

enum change {
    CHANGE_OF_VALUE,
    CHANGE_OF_PRESENCE /* set or not set; a reload reads another file */
};

static const struct restart_setting {
    const char *section, *key;
    enum change change;
} RESTART_SETTINGS[] = {
    {"DEFAULT", "workers", CHANGE_OF_VALUE},
    {"listen", "bind", CHANGE_OF_VALUE},
    {"listen", "tls_cert_file", CHANGE_OF_PRESENCE},
    {"listen", "tls_key_file", CHANGE_OF_PRESENCE},
    {"listen", "tls_min_version", CHANGE_OF_VALUE},
    {"listen", "tls_ciphers", CHANGE_OF_VALUE},
    {"keystone", "auth_url", CHANGE_OF_VALUE},
    {"keystone", "ca_file", CHANGE_OF_VALUE},
    {"admin", "bind", CHANGE_OF_VALUE},
};

static const struct restart_setting *restart_setting_of(const struct setting *row)
{
    for (size_t i = 0; i < sizeof RESTART_SETTINGS / sizeof *RESTART_SETTINGS; i++)
        if (strcmp(RESTART_SETTINGS[i].section, row->section) == 0 &&
            strcmp(RESTART_SETTINGS[i].key, row->key) == 0)
            return &RESTART_SETTINGS[i];
    return NULL;
}

/* --- where a value was set: kept with the settings for the message ------------------------ */

static bool copy_place(const struct setting_place *from, struct setting_place *to)
{
    char *file = from->file ? strdup(from->file) : NULL;
    *to = (struct setting_place){file, from->line};
    return file || !from->file;
}

bool settings_keep_places(struct settings *settings, const struct setting_place *places)
{
    settings->places = calloc(settings_table_count, sizeof *settings->places);
    bool good = settings->places != NULL;
    for (size_t i = 0; i < settings_table_count && good; i++)
        if (restart_setting_of(&settings_table[i]))
            good = copy_place(&places[i], &settings->places[i]);
    return good;
}

void settings_forget_places(struct settings *settings)
{
    for (size_t i = 0; i < settings_table_count && settings->places; i++)
        free((char *)settings->places[i].file);
    free(settings->places);
    settings->places = NULL;
}

/* --- differences -------------------------------------------------------------------------- */

static void report(const struct setting *row, const struct setting_place *place,
                   const char *configured, const char *running, struct diagnostics *out)
{
    diagnostics_add(out, place->file ? place->file : "default", place->line,
                    "[%s] %s = %s needs a restart; until then it is %s", row->section, row->key,
                    *configured ? configured : "(empty)", *running ? running : "(empty)");
}

static void compare(size_t index, const struct restart_setting *restart_setting,
                    const struct settings *running, const struct settings *configured,
                    struct diagnostics *out)
{
    const struct setting *row = &settings_table[index];
    struct buffer before;
    struct buffer after;
    buffer_init(&before, VALUE_MAX);
    buffer_init(&after, VALUE_MAX);
    row->kind->print(row, running, &before);
    row->kind->print(row, configured, &after);
    bool differs = restart_setting->change == CHANGE_OF_VALUE
                       ? strcmp(buffer_text(&before), buffer_text(&after)) != 0
                       : !before.len != !after.len;
    if (differs)
        report(row, &configured->places[index], buffer_text(&after), buffer_text(&before), out);
    buffer_free(&before);
    buffer_free(&after);
}

void settings_needing_restart(const struct settings *running, const struct settings *configured,
                              struct diagnostics *out)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct restart_setting *restart_setting = restart_setting_of(&settings_table[i]);
        if (restart_setting)
            compare(i, restart_setting, running, configured, out);
    }
}
