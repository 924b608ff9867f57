/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that read glance-intake.conf to struct settings.
 *
 *     ini_file.c     lines -> sections and keys (inih)
 *     environment.c  $NAME in a value -> the variable's value
 *     table.c        one row per key: name, kind, offset, default, bounds, doc
 *     kinds.c        how a kind of value is read, printed and freed
 *     choices.c      the same for values that are one of a few words
 *     lists.c        the same for lists of addresses
 *     values.c       parsers of single values: pure functions
 *     files.c        which files to read, in which order
 *     load.c         reads the files in order: each key at most once per file, the last file wins
 *     check.c        rules between several settings, and paths
 *     advice.c       warnings about what is valid
 *     tls_priorities.c  the ciphers of the listener
 *     loops.c        finds an endpoint that is this proxy itself
 *     restart.c      settings that a reload cannot change
 */
#ifndef CONFIG_CONFIG_PRIV_H
#define CONFIG_CONFIG_PRIV_H

#include "intake/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct diagnostics;
struct setting;

enum {
    SETTINGS_LINE_MAX = 4096, /* bytes in a line of a file */
    SETTINGS_LIST_MAX = 64,   /* items in a list */
    SETTINGS_WORDS_MAX = 3,   /* words of a choice */
    SETTINGS_WHY_MAX = 512
};

/* One kind of value. The row has the offset of the value in `settings`. */
struct setting_kind {
    /* Parses `text` and replaces the value. False: `why` says what is wrong; the value is
     * unchanged. */
    bool (*read)(const struct setting *row, const char *text, struct settings *settings,
                 struct buffer *why);
    /* Appends the value in the form that read() accepts. */
    void (*print)(const struct setting *row, const struct settings *settings, struct buffer *out);
    /* Frees the value. NULL: values of this kind own no memory. */
    void (*clear)(const struct setting *row, struct settings *settings);
    /* Only for choices: the word of each value, at the value's index; NULL-terminated. */
    const char *words[SETTINGS_WORDS_MAX + 1];
};

extern const struct setting_kind kind_boolean, kind_count, kind_size, kind_time, kind_path,
    kind_bind, kind_binds, kind_endpoints, kind_peers, kind_networks;
extern const struct setting_kind kind_log_format, kind_access_log, kind_content_type,
    kind_multipart, kind_unknown_length, kind_slow_upload, kind_backing, kind_forwarded_header,
    kind_tls_version, kind_check_level, kind_compressed, kind_glance_checks, kind_verify,
    kind_quota;

struct setting {
    const char *section;
    const char *key;
    const struct setting_kind *kind;
    size_t offset; /* in struct settings; not used by lists, whose kind knows the member */
    const char *default_text;
    uint64_t min, max; /* bounds of a number. A path with `min` 1 must be set */
    const char *doc;   /* text for the sample file; lines of at most 90 characters */
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;

/* Where a value was set; one per row of the table. `file` NULL: the default is in force. */
struct setting_place {
    const char *file;
    int line;
};

/* --- values.c -------------------------------------------------------------------------- */

/* The words that oslo.config accepts, in any case. False: `text` is none of them. */
bool value_boolean(const char *text, bool *out);
/* 1 to 18 decimal digits. */
bool value_count(const char *text, uint64_t *out);

/* Parses "192.0.2.7:9292", "[::]:9292" or "unix:/path". Returns NULL and sets `out` except its
 * text, or returns what is wrong as a clause. */
const char *value_bind(const char *text, struct bind_address *out);

/* Reads the next item of a comma-separated list: `*item` and its `*length`, without blanks around
 * it (length 0: nothing between two commas). `*cursor` starts at the text and moves past the item.
 * False: the list has ended. Blanks, or nothing, after the last comma are no item. */
bool value_next_item(const char **cursor, const char **item, size_t *length);

/* --- environment.c --------------------------------------------------------------------- */

/* Appends `text` to `out` with $NAME and ${NAME} replaced by variables of the environment, and $$
 * by $. False: `why` says what is wrong. */
bool environment_expand(const char *text, struct buffer *out, struct buffer *why);

/* Appends `text` with each $ as $$, so that environment_expand() gives `text` again. */
void environment_escape(const char *text, struct buffer *out);

/* --- files.c --------------------------------------------------------------------------- */

struct settings_file {
    char *path;
    bool may_be_absent;
};

/* Zero-initialised is empty. Owns its rows. */
struct settings_files {
    struct settings_file *rows;
    size_t count;
};

/* Lists the files to read in order: each named file, then the *.conf of each directory, sorted by
 * name. */
void settings_files_find(const struct settings_sources *sources, struct settings_files *files,
                         struct diagnostics *diagnostics);
void settings_files_free(struct settings_files *files);

/* --- ini_file.c ------------------------------------------------------------------------ */

/* Callbacks for every section and key, in the order of the file. */
struct ini_visitor {
    void (*section)(void *context, int line, const char *name);
    void (*key)(void *context, int line, const char *key, const char *value);
    void *context;
};

/* Reads the whole file, also after errors in it. With `may_be_absent` a missing file counts as
 * empty. */
void ini_file_read(const char *path, bool may_be_absent, const struct ini_visitor *visitor,
                   struct diagnostics *diagnostics);

/* --- restart.c ------------------------------------------------------------------------- */

/* Copies the places of settings that need a restart, for settings_needing_restart(). False: no
 * memory. */
bool settings_keep_places(struct settings *settings, const struct setting_place *places);
void settings_forget_places(struct settings *settings);

/* --- check.c --------------------------------------------------------------------------- */

void settings_check(const struct settings *settings, const struct setting_place *places,
                    struct diagnostics *diagnostics);

/* --- tls_priorities.c ------------------------------------------------------------------ */

/* What is wrong with tls_ciphers, as a clause. NULL: it is good. */
const char *tls_priorities_fault(const struct settings *settings);

/* --- lists.c --------------------------------------------------------------------------- */

/* The port in network byte order; 0 for a unix socket. */
uint16_t bind_port(const struct bind_address *bind);
bool bind_is_wildcard(const struct bind_address *bind);

/* --- loops.c --------------------------------------------------------------------------- */

/* Returns the element of `binds` that the endpoint connects to, or NULL. Borrowed from `binds`. */
const struct bind_address *loop_find(const char *endpoint, const struct bind_address *binds,
                                     size_t count);

#endif
