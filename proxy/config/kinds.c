/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, prints and frees values: booleans, numbers, sizes, times, paths, addresses. */
#include "config/config_priv.h"
#include "intake/buffer.h"
#include "intake/units.h"

#include <stdlib.h>
#include <string.h>

/* The address of the row's value. */
static void *place(const struct setting *row, struct settings *settings)
{
    return (char *)settings + row->offset;
}

static const void *const_place(const struct setting *row, const struct settings *settings)
{
    return (const char *)settings + row->offset;
}

/* Returns false, so that a caller can return its result. */
static bool no_memory(struct buffer *why)
{
    buffer_print(why, "no memory");
    return false;
}

/* --- boolean --------------------------------------------------------------------------- */

static bool boolean_read(const struct setting *row, const char *text, struct settings *settings,
                         struct buffer *why)
{
    bool good = value_boolean(text, place(row, settings));
    if (!good)
        buffer_print(why, "'%.80s' is not true or false", text);
    return good;
}

static void boolean_print(const struct setting *row, const struct settings *settings,
                          struct buffer *out)
{
    buffer_print(out, "%s", *(const bool *)const_place(row, settings) ? "true" : "false");
}

const struct setting_kind kind_boolean = {.read = boolean_read, .print = boolean_print};

/* --- count, size, time ----------------------------------------------------------------- */

static bool count_read(const struct setting *row, const char *text, struct settings *settings,
                       struct buffer *why)
{
    uint64_t value;
    bool good = value_count(text, &value) && value >= row->min && value <= row->max;
    if (good)
        *(unsigned *)place(row, settings) = (unsigned)value;
    else
        buffer_print(why, "'%.80s' is not a whole number from %ju to %ju", text,
                     (uintmax_t)row->min, (uintmax_t)row->max);
    return good;
}

static void count_print(const struct setting *row, const struct settings *settings,
                        struct buffer *out)
{
    buffer_print(out, "%u", *(const unsigned *)const_place(row, settings));
}

const struct setting_kind kind_count = {.read = count_read, .print = count_print};

/* Sizes and times differ only in their units. */
struct scale {
    bool (*parse)(const char *text, uint64_t *value);
    void (*print)(uint64_t value, char out[UNITS_TEXT_MAX]);
    const char *form;
};

static const struct scale size_scale = {units_parse_size, units_print_size, UNITS_SIZE_FORM};
static const struct scale time_scale = {units_parse_time, units_print_time, UNITS_TIME_FORM};

static bool scale_read(const struct scale *scale, const struct setting *row, const char *text,
                       struct settings *settings, struct buffer *why)
{
    uint64_t value;
    if (!scale->parse(text, &value)) {
        buffer_print(why, "'%.80s' is not %s", text, scale->form);
        return false;
    }
    if (value < row->min || value > row->max) {
        char min_text[UNITS_TEXT_MAX];
        char max_text[UNITS_TEXT_MAX];
        scale->print(row->min, min_text);
        scale->print(row->max, max_text);
        buffer_print(why, "%.80s is not from %s to %s", text, min_text, max_text);
        return false;
    }
    *(uint64_t *)place(row, settings) = value;
    return true;
}

static void scale_print(const struct scale *scale, const struct setting *row,
                        const struct settings *settings, struct buffer *out)
{
    char text[UNITS_TEXT_MAX];
    scale->print(*(const uint64_t *)const_place(row, settings), text);
    buffer_print(out, "%s", text);
}

static bool size_read(const struct setting *row, const char *text, struct settings *settings,
                      struct buffer *why)
{
    return scale_read(&size_scale, row, text, settings, why);
}

static void size_print(const struct setting *row, const struct settings *settings,
                       struct buffer *out)
{
    scale_print(&size_scale, row, settings, out);
}

const struct setting_kind kind_size = {.read = size_read, .print = size_print};

static bool time_read(const struct setting *row, const char *text, struct settings *settings,
                      struct buffer *why)
{
    return scale_read(&time_scale, row, text, settings, why);
}

static void time_print(const struct setting *row, const struct settings *settings,
                       struct buffer *out)
{
    scale_print(&time_scale, row, settings, out);
}

const struct setting_kind kind_time = {.read = time_read, .print = time_print};

/* --- path ------------------------------------------------------------------------------ */

static void path_clear(const struct setting *row, struct settings *settings)
{
    char **path = place(row, settings);
    free(*path);
    *path = NULL;
}

static bool path_read(const struct setting *row, const char *text, struct settings *settings,
                      struct buffer *why)
{
    if (strlen(text) < row->min) {
        buffer_print(why, "must be set");
        return false;
    }
    char *copy = *text ? strdup(text) : NULL;
    if (*text && !copy)
        return no_memory(why);
    path_clear(row, settings);
    *(char **)place(row, settings) = copy;
    return true;
}

static void path_print(const struct setting *row, const struct settings *settings,
                       struct buffer *out)
{
    const char *path = *(char *const *)const_place(row, settings);
    buffer_print(out, "%s", path ? path : "");
}

const struct setting_kind kind_path = {.read = path_read, .print = path_print, .clear = path_clear};

/* --- one address to listen on, or none ------------------------------------------------- */

static void bind_clear(const struct setting *row, struct settings *settings)
{
    struct bind_address *bind = place(row, settings);
    free(bind->text);
    *bind = (struct bind_address){0};
}

static bool bind_read(const struct setting *row, const char *text, struct settings *settings,
                      struct buffer *why)
{
    struct bind_address bind = {0};
    const char *fault = *text ? value_bind(text, &bind) : NULL;
    if (*text && !fault && bind.address.ss_family == AF_UNIX)
        fault = "is a unix socket, and these pages need ADDRESS:PORT";
    if (fault) {
        buffer_print(why, "'%.80s' %s", text, fault);
        return false;
    }
    bind.text = *text ? strdup(text) : NULL;
    if (*text && !bind.text)
        return no_memory(why);
    bind_clear(row, settings);
    *(struct bind_address *)place(row, settings) = bind;
    return true;
}

static void bind_print(const struct setting *row, const struct settings *settings,
                       struct buffer *out)
{
    const struct bind_address *bind = const_place(row, settings);
    buffer_print(out, "%s", bind->text ? bind->text : "");
}

const struct setting_kind kind_bind = {.read = bind_read, .print = bind_print, .clear = bind_clear};
