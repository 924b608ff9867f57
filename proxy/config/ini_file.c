/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one INI file, line by line.
 *
 * inih parses lines and reports keys. It does not report line numbers or sections, and of the lines
 * that it cannot parse only the first. But it asks for each line, and reports the key in it before
 * it asks for the next. So the function that supplies the lines can report all three.
 *
 * inih is configured by its global variables; it has no other way. */
#include "config/config_priv.h"
#include "intake/diagnostics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

struct ini_source {
    FILE *stream;
    const char *path;
    const struct ini_visitor *visitor;
    struct diagnostics *diagnostics;
    int line;
    bool key_expected;      /* the current line must be reported as a key by inih */
    bool section_malformed; /* the section line was malformed: the section of the next keys is not
                               known */
};

/* Reads one line without its newline. False: the end of the file. A line that does not fit or has a
 * NUL is reported, and counts as empty. */
static bool take_line(struct ini_source *source, char *line, size_t size)
{
    size_t length = 0;
    bool bad = false;
    int c = getc(source->stream);
    if (c == EOF)
        return false;
    for (; c != EOF && c != '\n'; c = getc(source->stream)) {
        bad = bad || c == '\0' || length + 1 == size;
        if (!bad)
            line[length++] = (char)c;
    }
    line[bad ? 0 : length] = '\0';
    source->line++;
    if (bad)
        diagnostics_add(source->diagnostics, source->path, source->line,
                        "the line is longer than %zu bytes or has a NUL in it", size - 1);
    return true;
}

static void close_line(struct ini_source *source)
{
    if (source->key_expected)
        diagnostics_add(source->diagnostics, source->path, source->line,
                        "neither a [section] nor key = value");
    source->key_expected = false;
}

static bool is_blank_or_comment(const char *text)
{
    text += strspn(text, " \t\r");
    return !*text || *text == '#' || *text == ';';
}

/* `text` is the text after the '['. */
static void open_section(struct ini_source *source, const char *text)
{
    char name[SETTINGS_LINE_MAX];
    size_t length = strcspn(text, "] \t;#");
    source->section_malformed =
        length == 0 || text[length] != ']' || !is_blank_or_comment(text + length + 1);
    if (source->section_malformed) {
        diagnostics_add(source->diagnostics, source->path, source->line, "not a [section]");
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    source->visitor->section(source->visitor->context, source->line, name);
}

/* The ini_reader of inih. */
static char *next_line(char *line, int size, void *stream)
{
    struct ini_source *source = stream;
    close_line(source);
    if (!take_line(source, line, (size_t)size))
        return NULL;
    if (source->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        memmove(line, line + 3, strlen(line + 3) + 1);
    const char *text = line + strspn(line, " \t\r\v\f");
    if (*text == '[')
        open_section(source, text + 1);
    else
        source->key_expected = !is_blank_or_comment(text);
    return line;
}

/* The ini_handler of inih. The visitor remembers the section. */
static int take_key(void *user, const char *section, const char *key, const char *value)
{
    (void)section;
    struct ini_source *source = user;
    source->key_expected = false;
    if (!source->section_malformed)
        source->visitor->key(source->visitor->context, source->line, key, value);
    return 1;
}

static void configure_inih(void)
{
    static char comments[] = ";#";
    ini_start_comment_prefixes = comments;
    ini_inline_comment_prefixes = comments;
    ini_allow_inline_comments = true;
    ini_allow_multiline = false; /* an indented key is a key, not a continuation */
    ini_allow_no_value = false;
    ini_stop_on_first_error = false;
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_initial_alloc = SETTINGS_LINE_MAX;
    ini_max_line = SETTINGS_LINE_MAX;
}

void ini_file_read(const char *path, bool may_be_absent, const struct ini_visitor *visitor,
                   struct diagnostics *diagnostics)
{
    struct ini_source source = {.path = path, .visitor = visitor, .diagnostics = diagnostics};
    source.stream = fopen(path, "re");
    if (!source.stream) {
        if (!may_be_absent || errno != ENOENT)
            diagnostics_add(diagnostics, path, 0, "cannot be opened: %m");
        return;
    }
    configure_inih();
    if (ini_parse_stream(next_line, &source, take_key, &source) == -2)
        diagnostics_add(diagnostics, path, 0, "no memory");
    if (ferror(source.stream))
        diagnostics_add(diagnostics, path, 0, "cannot be read: %m");
    fclose(source.stream);
}
