/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the configuration files in the order in which they are read. */
#include "config/config_priv.h"
#include "intake/diagnostics.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_FILE "/etc/glance-intake/glance-intake.conf"
#define DEFAULT_DIR  "/etc/glance-intake/conf.d"

enum { FILES_MAX = 1024 };

/* Takes ownership of `path`. NULL means that there was no memory for it. */
static void add_file(struct settings_files *files, char *path, bool may_be_absent,
                     struct diagnostics *diagnostics)
{
    struct settings_file *rows = NULL;
    if (path && files->count < FILES_MAX)
        rows = reallocarray(files->rows, files->count + 1, sizeof *rows);
    if (!rows) {
        diagnostics_add(diagnostics, path ? path : "settings", 0,
                        path && files->count == FILES_MAX ? "one file too many" : "no memory");
        free(path);
        return;
    }
    rows[files->count++] = (struct settings_file){path, may_be_absent};
    files->rows = rows;
}

static int is_conf(const struct dirent *entry)
{
    return fnmatch("*.conf", entry->d_name, FNM_PERIOD) == 0;
}

/* Compares bytes, so that the order is the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *join(const char *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static void add_dir(struct settings_files *files, const char *dir, bool may_be_absent,
                    struct diagnostics *diagnostics)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_conf, by_name);
    if (count < 0) {
        if (!may_be_absent || errno != ENOENT)
            diagnostics_add(diagnostics, dir, 0, "cannot be read: %m");
        return;
    }
    for (int i = 0; i < count; i++) {
        add_file(files, join(dir, entries[i]->d_name), false, diagnostics);
        free(entries[i]);
    }
    free(entries);
}

void settings_files_find(const struct settings_sources *sources, struct settings_files *files,
                         struct diagnostics *diagnostics)
{
    if (sources->file_count == 0 && sources->dir_count == 0) {
        add_file(files, strdup(DEFAULT_FILE), true, diagnostics);
        add_dir(files, DEFAULT_DIR, true, diagnostics);
    }
    for (size_t i = 0; i < sources->file_count; i++)
        add_file(files, strdup(sources->files[i]), false, diagnostics);
    for (size_t i = 0; i < sources->dir_count; i++)
        add_dir(files, sources->dirs[i], false, diagnostics);
}

void settings_files_free(struct settings_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->rows[i].path);
    free(files->rows);
    *files = (struct settings_files){0};
}
