/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the settings: the defaults first, then each file in order. A later file wins, key by key.
 * Reading continues after an error, so that all errors are reported at once. An invalid value
 * leaves the previous one in place. */
#include "config/config_priv.h"
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MAX = 64 }; /* sections, or keys in one section */

struct loader {
    struct settings *settings;
    struct diagnostics *diagnostics;
    struct setting_place *places; /* one per row */
    const char *file;             /* the one being read */
    const char *section;          /* NULL: none yet, or an unknown one */
    bool section_seen;
};

/* --- sections and keys ----------------------------------------------------------------- */

/* Lists the names of all sections (`section` NULL), or of the keys of one section. */
static size_t known_names(const char *section, const char *names[NAMES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < settings_table_count && count < NAMES_MAX; i++) {
        const struct setting *row = &settings_table[i];
        if (section && strcmp(row->section, section) == 0)
            names[count++] = row->key;
        else if (!section && (count == 0 || strcmp(names[count - 1], row->section) != 0))
            names[count++] = row->section;
    }
    return count;
}

static void take_section(void *context, int line, const char *name)
{
    struct loader *loader = context;
    const char *names[NAMES_MAX];
    size_t count = known_names(NULL, names);
    loader->section = NULL;
    loader->section_seen = true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            loader->section = names[i];
            return;
        }
    const char *meant = suggest_word(name, names, count);
    diagnostics_add(loader->diagnostics, loader->file, line, "unknown section [%.80s]%s%s%s", name,
                    meant ? ": did you mean [" : "", meant ? meant : "", meant ? "]?" : "");
}

static const struct setting *find_row(const char *section, const char *key)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].section, section) == 0 &&
            strcmp(settings_table[i].key, key) == 0)
            return &settings_table[i];
    return NULL;
}

/* Finds a section that has this key. */
static const char *section_of(const char *key)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].key, key) == 0)
            return settings_table[i].section;
    return NULL;
}

static void unknown_key(struct loader *loader, int line, const char *key)
{
    const char *names[NAMES_MAX] = {0};
    const char *right_section = section_of(key);
    const char *meant = suggest_word(key, names, known_names(loader->section, names));
    if (right_section)
        diagnostics_add(loader->diagnostics, loader->file, line,
                        "[%s] has no %s; it belongs to [%s]", loader->section, key, right_section);
    else if (meant)
        diagnostics_add(loader->diagnostics, loader->file, line,
                        "[%s] has no '%.80s': did you mean %s?", loader->section, key, meant);
    else
        diagnostics_add(loader->diagnostics, loader->file, line, "[%s] has no '%.80s'",
                        loader->section, key);
}

static void read_value(struct loader *loader, const struct setting *row, int line, const char *text)
{
    struct buffer value;
    struct buffer why;
    buffer_init(&value, SETTINGS_LINE_MAX);
    buffer_init(&why, SETTINGS_WHY_MAX);
    if (!environment_expand(text, &value, &why) ||
        !row->kind->read(row, buffer_text(&value), loader->settings, &why))
        diagnostics_add(loader->diagnostics, loader->file, line, "[%s] %s: %s", row->section,
                        row->key, buffer_text(&why));
    buffer_free(&value);
    buffer_free(&why);
}

static void take_key(void *context, int line, const char *key, const char *value)
{
    struct loader *loader = context;
    if (!loader->section) {
        if (!loader->section_seen)
            diagnostics_add(loader->diagnostics, loader->file, line,
                            "'%.80s' comes before the first [section]", key);
        return; /* an unknown section is reported once, not for each of its keys */
    }
    const struct setting *row = find_row(loader->section, key);
    if (!row) {
        unknown_key(loader, line, key);
        return;
    }
    struct setting_place *place = &loader->places[row - settings_table];
    if (place->file == loader->file) {
        diagnostics_add(loader->diagnostics, loader->file, line, "[%s] %s is on line %d already",
                        row->section, row->key, place->line);
        return;
    }
    *place = (struct setting_place){loader->file, line};
    read_value(loader, row, line, value);
}

/* --- all files ------------------------------------------------------------------------- */

static void load_file(struct loader *loader, const struct settings_file *file)
{
    const struct ini_visitor visitor = {take_section, take_key, loader};
    loader->file = file->path;
    loader->section = NULL;
    loader->section_seen = false;
    ini_file_read(file->path, file->may_be_absent, &visitor, loader->diagnostics);
}

static void load_defaults(struct loader *loader)
{
    loader->file = "default";
    for (size_t i = 0; i < settings_table_count; i++)
        read_value(loader, &settings_table[i], 0, settings_table[i].default_text);
}

static unsigned cpu_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

static void note_spool_dir(struct loader *loader)
{
    struct settings *settings = loader->settings;
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].key, "spool_dir") == 0 && loader->places[i].file) {
            settings->upload.spool_dir_file = strdup(loader->places[i].file);
            settings->upload.spool_dir_line = loader->places[i].line;
        }
}

static void load_all(struct loader *loader, const struct settings_sources *sources)
{
    struct settings_files files = {0};
    settings_files_find(sources, &files, loader->diagnostics);
    load_defaults(loader);
    for (size_t i = 0; i < files.count; i++)
        load_file(loader, &files.rows[i]);
    if (loader->settings->workers == 0)
        loader->settings->workers = cpu_count();
    note_spool_dir(loader);
    settings_check(loader->settings, loader->places, loader->diagnostics);
    if (!settings_keep_places(loader->settings, loader->places))
        diagnostics_add(loader->diagnostics, "settings", 0, "no memory");
    settings_files_free(&files);
}

struct settings *settings_read(const struct settings_sources *sources,
                               struct diagnostics *diagnostics)
{
    struct loader loader = {
        .settings = calloc(1, sizeof *loader.settings),
        .diagnostics = diagnostics,
        .places = calloc(settings_table_count, sizeof *loader.places),
    };
    if (loader.settings && loader.places) {
        load_all(&loader, sources);
    } else {
        diagnostics_add(diagnostics, "settings", 0, "no memory");
        free(loader.settings);
        loader.settings = NULL;
    }
    free(loader.places);
    return loader.settings;
}

struct settings *settings_load(const struct settings_sources *sources,
                               struct diagnostics *diagnostics)
{
    struct settings *settings = settings_read(sources, diagnostics);
    if (diagnostics->count == 0)
        return settings;
    settings_free(settings);
    return NULL;
}

static void print_value(const struct setting *row, const struct settings *settings,
                        struct buffer *out)
{
    struct buffer value;
    buffer_init(&value, out->max);
    row->kind->print(row, settings, &value);
    environment_escape(buffer_text(&value), out);
    buffer_free(&value);
}

void settings_print(const struct settings *settings, struct buffer *out)
{
    const char *section = NULL;
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        if (!section || strcmp(section, row->section) != 0)
            buffer_print(out, "%s[%s]\n", section ? "\n" : "", row->section);
        section = row->section;
        buffer_print(out, "%s = ", row->key);
        print_value(row, settings, out);
        buffer_print(out, "\n");
    }
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings_table_count; i++)
        if (settings_table[i].kind->clear)
            settings_table[i].kind->clear(&settings_table[i], settings);
    settings_forget_places(settings);
    free(settings->upload.spool_dir_file);
    free(settings);
}
