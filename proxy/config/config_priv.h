/* SPDX-License-Identifier: Apache-2.0 */
/* How glance-intake.conf becomes struct settings.
 *
 *     ini_file.c   lines -> sections and keys (inih)
 *     table.c      one row per key: name, kind, where it goes, default, bounds, doc
 *     kinds.c      how a kind of value is read, printed and freed
 *     choices.c    the same for one of a few words
 *     lists.c      the same for lists of addresses
 *     values.c     the grammars of single values: pure functions of text
 *     files.c      which files, in which order
 *     load.c       files in order, each key once a file, the last file wins
 *     check.c      what one key alone cannot show to be wrong
 *     loops.c      an endpoint that is this proxy itself
 *     restart.c    what a reload cannot change
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
    SETTINGS_LINE_MAX = 4096, /* of a line in a file, in bytes */
    SETTINGS_LIST_MAX = 64,   /* items of a list */
    SETTINGS_WORDS_MAX = 3,   /* to choose from */
    SETTINGS_WHY_MAX = 512
};

/* One kind of value. `settings` is the whole; the row says where in it the value stands. */
struct setting_kind {
    /* Replaces the value. False: `why` says what is wrong with `text`, and the value stays. */
    bool (*read)(const struct setting *row, const char *text, struct settings *settings,
                 struct buffer *why);
    /* Appends the value as read() takes it. */
    void (*print)(const struct setting *row, const struct settings *settings, struct buffer *out);
    /* NULL: a value of this kind owns nothing. */
    void (*clear)(const struct setting *row, struct settings *settings);
    /* Of a choice: at each value's index its word, up to a NULL. */
    const char *words[SETTINGS_WORDS_MAX + 1];
};

extern const struct setting_kind kind_boolean, kind_count, kind_size, kind_time, kind_path,
    kind_bind, kind_binds, kind_endpoints, kind_networks;
extern const struct setting_kind kind_log_format, kind_content_type, kind_multipart,
    kind_unknown_length, kind_forwarded_header, kind_tls_version, kind_check_level,
    kind_glance_checks, kind_verify, kind_quota;

struct setting {
    const char *section;
    const char *key;
    const struct setting_kind *kind;
    size_t offset;        /* in struct settings; a list's kind knows its own place */
    const char *standard; /* the default, as text */
    uint64_t least, most; /* bounds of a number; of a path, least 1: it must be set */
    const char *doc;      /* for the sample file; lines of at most 90 characters */
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;

/* Where the value in force was set: one per row of the table; file NULL: the default. */
struct setting_place {
    const char *file;
    int line;
};

/* --- values.c -------------------------------------------------------------------------- */

bool value_boolean(const char *text, bool *out);
bool value_count(const char *text, uint64_t *out);

/* "192.0.2.7:9292", "[::]:9292". NULL and `out` filled but for its text, or what is wrong. */
const char *value_bind(const char *text, struct bind_address *out);

/* The next item of a comma-separated list, without the blanks around it: `*item` and its
 * `*length` (0: nothing stands between two commas). `*cursor` begins at the text and is moved
 * on; false at the end. Nothing, or only blanks, after the last comma is not an item. */
bool value_next_item(const char **cursor, const char **item, size_t *length);

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

/* The files that the sources stand for, first to last: each named file, then each directory's
 * *.conf by name. */
void settings_files_find(const struct settings_sources *sources, struct settings_files *files,
                         struct diagnostics *diagnostics);
void settings_files_free(struct settings_files *files);

/* --- ini_file.c ------------------------------------------------------------------------ */

/* Told of every section and key in the order of the file. */
struct ini_visitor {
    void (*section)(void *context, int line, const char *name);
    void (*key)(void *context, int line, const char *key, const char *value);
    void *context;
};

/* Goes through the whole file, whatever is wrong with it. With `may_be_absent` a file that does
 * not exist is like an empty one. */
void ini_file_read(const char *path, bool may_be_absent, const struct ini_visitor *visitor,
                   struct diagnostics *diagnostics);

/* --- restart.c ------------------------------------------------------------------------- */

/* Copies those that settings_needing_restart() tells of. False: no memory. */
bool settings_keep_places(struct settings *settings, const struct setting_place *places);
void settings_forget_places(struct settings *settings);

/* --- check.c --------------------------------------------------------------------------- */

void settings_check(const struct settings *settings, const struct setting_place *places,
                    struct diagnostics *diagnostics);

/* In network byte order. */
uint16_t bind_port(const struct bind_address *bind);
bool bind_is_wildcard(const struct bind_address *bind);

/* --- loops.c --------------------------------------------------------------------------- */

/* The one of `binds` that the endpoint leads to, or NULL. */
const struct bind_address *loop_find(const char *endpoint, const struct bind_address *binds,
                                     size_t count);

#endif
