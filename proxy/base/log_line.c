/* SPDX-License-Identifier: Apache-2.0 */
/* Formats one line of the log, on the caller's stack. */
#include "base/log_line.h"

#include "base/journal.h"
#include "intake/clock.h"
#include "intake/utf8.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const LEVELS[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};

static const char *const LEVELS_TEXT[] = {
    [LOG_LEVEL_DEBUG] = "DEBUG",
    [LOG_LEVEL_INFO] = "INFO",
    [LOG_LEVEL_WARNING] = "WARNING",
    [LOG_LEVEL_ERROR] = "ERROR",
};

/* --- text: space for the end of the line is always reserved ---------------------------- */

enum {
    CLOSING_MAX = sizeof "\"}\n"
}; /* the longest end: closes a cut string, the object, the line */

/* Appends all bytes or none. */
static bool put(struct log_line *line, const char *bytes, size_t count)
{
    if (count > sizeof line->text - CLOSING_MAX - line->len)
        return false;
    memcpy(line->text + line->len, bytes, count);
    line->len += count;
    return true;
}

static bool put_text(struct log_line *line, const char *text)
{
    return put(line, text, strlen(text));
}

/* Appends the byte as an escape sequence. JSON has none for a byte that is not UTF-8, so such a
 * byte is shown as the character with its number. */
static bool put_escape(struct log_line *line, char c)
{
    char escape[8];
    if (c == '"' || c == '\\')
        snprintf(escape, sizeof escape, "\\%c", c);
    else if (c == '\n')
        snprintf(escape, sizeof escape, "\\n");
    else
        snprintf(escape, sizeof escape, line->format == LOG_FORMAT_JSON ? "\\u%04x" : "\\x%02x",
                 (unsigned char)c);
    return put_text(line, escape);
}

/* Stops where the line is full. `quotable`: characters to escape besides the unprintable ones. */
static bool put_escaped(struct log_line *line, const char *text, const char *quotable)
{
    bool fits = true;
    while (*text && fits) {
        size_t length = utf8_printable(text);
        bool plain = length && !strchr(quotable, *text);
        fits = plain ? put(line, text, length) : put_escape(line, *text);
        text += length ? length : 1;
    }
    return fits;
}

static void put_head(struct log_line *line, enum log_level level)
{
    if (line->for_journal && line->format == LOG_FORMAT_TEXT)
        return; /* the journal has a time and a level */
    uint64_t now = clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm utc;
    char date[32];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);

    bool json = line->format == LOG_FORMAT_JSON;
    char head[96];
    snprintf(head, sizeof head,
             json ? "{\"time\": \"%s.%03uZ\", \"level\": \"%s\"" : "%s.%03uZ %s ", date,
             (unsigned)(now % 1000), json ? LEVELS[level] : LEVELS_TEXT[level]);
    put_text(line, head);
}

/* The fields of a line that are fields of the journal, too. */
static const struct {
    const char *name, *journal;
} JOURNAL_FIELDS[] = {
    {"request_id", "INTAKE_REQUEST_ID"}, {"trace_id", "INTAKE_TRACE_ID"}, {"image", "INTAKE_IMAGE"},
    {"project", "INTAKE_PROJECT"},       {"reason", "INTAKE_REASON"},
};

/* A field that would leave too little space for the message is left out. */
static void put_journal_field(struct log_line *line, const struct log_field *field)
{
    size_t before = line->len;
    const char *name = NULL;
    for (size_t i = 0; i < sizeof JOURNAL_FIELDS / sizeof *JOURNAL_FIELDS; i++)
        if (strcmp(JOURNAL_FIELDS[i].name, field->name) == 0)
            name = JOURNAL_FIELDS[i].journal;
    if (!name || !field->text || !*field->text)
        return;
    if (!put(line, (const char[]){JOURNAL_SEPARATOR}, 1) || !put_text(line, name) ||
        !put_text(line, "=") || !put_escaped(line, field->text, "") ||
        line->len > sizeof line->text / 2)
        line->len = before;
}

/* What comes before the message for the journal. The levels are those of syslog (sd-daemon(3)). */
static void put_journal_fields(struct log_line *line, enum log_level level,
                               const struct log_field *fields, size_t count)
{
    static const char *const priorities[] = {[LOG_LEVEL_DEBUG] = "7",
                                             [LOG_LEVEL_INFO] = "6",
                                             [LOG_LEVEL_WARNING] = "4",
                                             [LOG_LEVEL_ERROR] = "3"};
    if (!line->for_journal)
        return;
    put(line, (const char[]){JOURNAL_MARK}, 1);
    put_text(line, "PRIORITY=");
    put_text(line, priorities[level]);
    for (size_t i = 0; i < count; i++)
        put_journal_field(line, &fields[i]);
    put(line, (const char[]){JOURNAL_SEPARATOR}, 1);
    put_text(line, "MESSAGE=");
}

/* --- fields, and the two kinds of lines ------------------------------------------------ */

static const char JSON_QUOTABLE[] = "\"\\";

static bool put_number(struct log_line *line, double number)
{
    char digits[64];
    if (!isfinite(number) || fabs(number) >= 0x1p63)
        return put_text(line, "null");
    snprintf(digits, sizeof digits, number == (double)(int64_t)number ? "%.0f" : "%.3f", number);
    return put_text(line, digits);
}

static bool put_string(struct log_line *line, const char *text)
{
    bool json = line->format == LOG_FORMAT_JSON;
    bool unquoted = !json && *text && !strpbrk(text, " \"\\=");
    if (unquoted)
        return put_escaped(line, text, "");
    return put_text(line, "\"") && put_escaped(line, text, JSON_QUOTABLE) && put_text(line, "\"");
}

/* A field that does not fit is left out: half a value would be wrong. */
static void put_field(struct log_line *line, const struct log_field *field)
{
    if (!field->text && !field->is_number)
        return;
    size_t before = line->len;
    bool json = line->format == LOG_FORMAT_JSON;
    bool fits = put_text(line, json ? ", \"" : " ") && put_text(line, field->name) &&
                put_text(line, json ? "\": " : "=") &&
                (field->text ? put_string(line, field->text) : put_number(line, field->number));
    if (!fits)
        line->len = before;
}

static bool is_known(const char *text)
{
    return text && *text;
}

static void put_known(struct log_line *line, const char *name, const char *text)
{
    if (is_known(text))
        put_field(line, &(struct log_field){.name = name, .text = text});
}

static void put_message_json(struct log_line *line, const struct log_subject *subject,
                             const char *message)
{
    put_known(line, "request_id", subject->request_id);
    put_known(line, "trace_id", subject->trace_id);
    put_text(line, ", \"message\": \"");
    put_escaped(line, message, JSON_QUOTABLE);
    line->text[line->len++] = '"'; /* CLOSING_MAX reserves space for it */
}

static void put_message_text(struct log_line *line, const struct log_subject *subject,
                             const char *message)
{
    if (is_known(subject->request_id)) {
        put_escaped(line, subject->request_id, "\\");
        put_text(line, ": ");
    }
    put_escaped(line, message, "\\");
    put_known(line, "trace_id", subject->trace_id);
}

/* --- whole lines ----------------------------------------------------------------------- */

static struct log_line new_line(enum log_format format, bool for_journal, enum log_level level,
                                const struct log_field *fields, size_t count)
{
    struct log_line line = {.format = format, .for_journal = for_journal};
    put_journal_fields(&line, level, fields, count);
    put_head(&line, level);
    return line;
}

static void end(struct log_line *line)
{
    const char *closing = line->format == LOG_FORMAT_JSON ? "}\n" : "\n";
    memcpy(line->text + line->len, closing, strlen(closing));
    line->len += strlen(closing);
}

struct log_line log_line_message(enum log_format format, bool for_journal, enum log_level level,
                                 const struct log_subject *subject, const char *message)
{
    const struct log_field fields[] = {{.name = "request_id", .text = subject->request_id},
                                       {.name = "trace_id", .text = subject->trace_id},
                                       {.name = "image", .text = subject->image}};
    struct log_line line =
        new_line(format, for_journal, level, fields, sizeof fields / sizeof *fields);
    if (format == LOG_FORMAT_JSON)
        put_message_json(&line, subject, message);
    else
        put_message_text(&line, subject, message);
    end(&line);
    return line;
}

struct log_line log_line_event(enum log_format format, bool for_journal, enum log_level level,
                               const char *event, const struct log_field *fields, size_t count)
{
    struct log_line line = new_line(format, for_journal, level, fields, count);
    if (format == LOG_FORMAT_JSON)
        put_field(&line, &(struct log_field){.name = "event", .text = event});
    else
        put_escaped(&line, event, "");
    for (size_t i = 0; i < count; i++)
        put_field(&line, &fields[i]);
    end(&line);
    return line;
}
