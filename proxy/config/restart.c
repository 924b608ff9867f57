/* SPDX-License-Identifier: Apache-2.0 */
/* What sockets and threads are made of is decided at start, and a reload cannot change it. */
#include "config/config_priv.h"
#include "intake/buffer.h"
#include "intake/diagnostics.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 4096 };

enum change {
    ANY,   /* of the value */
    ON_OFF /* of whether there is one: another file is read by a reload */
};

static const struct fixed {
    const char *section, *key;
    enum change change;
} FIXED[] = {
    {"DEFAULT", "workers", ANY},         {"listen", "bind", ANY},
    {"listen", "tls_cert_file", ON_OFF}, {"listen", "tls_key_file", ON_OFF},
    {"listen", "tls_min_version", ANY},  {"admin", "bind", ANY},
};

static const struct fixed *fixed_of(const struct setting *row)
{
    for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++)
        if (strcmp(FIXED[i].section, row->section) == 0 && strcmp(FIXED[i].key, row->key) == 0)
            return &FIXED[i];
    return NULL;
}

/* --- where a value was set, kept with the settings for the message ------------------------ */

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
        if (fixed_of(&settings_table[i]))
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

/* --- what differs ------------------------------------------------------------------------- */

static void say(const struct setting *row, const struct setting_place *place, const char *asked,
                const char *running, struct diagnostics *out)
{
    diagnostics_add(out, place->file ? place->file : "default", place->line,
                    "[%s] %s = %s needs a restart; until then it is %s", row->section, row->key,
                    *asked ? asked : "(empty)", *running ? running : "(empty)");
}

static void compare(size_t index, const struct fixed *fixed, const struct settings *running,
                    const struct settings *asked, struct diagnostics *out)
{
    const struct setting *row = &settings_table[index];
    struct buffer before;
    struct buffer after;
    buffer_init(&before, VALUE_MAX);
    buffer_init(&after, VALUE_MAX);
    row->kind->print(row, running, &before);
    row->kind->print(row, asked, &after);
    bool differs = fixed->change == ANY ? strcmp(buffer_text(&before), buffer_text(&after)) != 0
                                        : !before.len != !after.len;
    if (differs)
        say(row, &asked->places[index], buffer_text(&after), buffer_text(&before), out);
    buffer_free(&before);
    buffer_free(&after);
}

void settings_needing_restart(const struct settings *running, const struct settings *asked,
                              struct diagnostics *out)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct fixed *fixed = fixed_of(&settings_table[i]);
        if (fixed)
            compare(i, fixed, running, asked, out);
    }
}
