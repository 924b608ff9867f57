/* SPDX-License-Identifier: Apache-2.0 */
/* Formats log lines. A line is built on the stack, and log_writer.c writes it. A line has at most
 * PIPE_BUF bytes, so that it stays whole in a pipe that others also write to (pipe(7)).
 *
 * The destination is one file descriptor whose number stays the same. A rotated file replaces it
 * with dup3(2), which is atomic.
 *
 *   text   2026-01-31T12:00:00.000Z INFO upload image=... verdict=stored
 *   json   {"time": "2026-01-31T12:00:00.000Z", "level": "info", "event": "upload", ...} */
#include "intake/log.h"

#include "base/log_writer.h"
#include "intake/clock.h"
#include "intake/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

static _Atomic int destination = STDERR_FILENO;
static _Atomic int chosen_format = LOG_FORMAT_TEXT;
static _Atomic int threshold = LOG_LEVEL_INFO;

/* --- the destination ------------------------------------------------------------------- */

/* Takes ownership of `fd`. Descriptor 2 itself is never replaced: the log only stops using it. */
static bool switch_to(int fd)
{
    if (destination == STDERR_FILENO) {
        destination = fd;
        log_writer_set_destination(fd);
        return true;
    }
    bool switched = dup3(fd, destination, O_CLOEXEC) >= 0;
    int error = errno;
    close(fd);
    errno = error;
    return switched;
}

/* A FIFO is opened for reading and writing. Opened only for writing, open(2) would wait or fail
 * without a reader, and lines would be lost whenever the reader restarts. */
static int open_fifo(const char *path)
{
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static int open_file(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
        return open_fifo(path);
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);
}

static bool open_destination(const char *path)
{
    bool to_stderr = !path || !*path;
    if (to_stderr && destination == STDERR_FILENO)
        return true;
    int fd = to_stderr ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : open_file(path);
    return fd >= 0 && switch_to(fd);
}

bool log_open(enum log_format format, bool debug, const char *path)
{
    static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&opening);
    bool opened = open_destination(path);
    if (opened) {
        chosen_format = (int)format;
        threshold = debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
    }
    pthread_mutex_unlock(&opening);
    return opened;
}

bool log_debug_wanted(void)
{
    return threshold <= LOG_LEVEL_DEBUG;
}

/* --- a line: space for its end is always reserved -------------------------------------- */

enum {
    CLOSING_MAX = sizeof "\"}\n"
}; /* the longest end: closes a cut string, the object, the line */

struct line {
    enum log_format format;
    size_t len;
    char text[PIPE_BUF];
};

/* Appends all bytes or none. */
static bool put(struct line *line, const char *bytes, size_t count)
{
    if (count > sizeof line->text - CLOSING_MAX - line->len)
        return false;
    memcpy(line->text + line->len, bytes, count);
    line->len += count;
    return true;
}

static bool put_text(struct line *line, const char *text)
{
    return put(line, text, strlen(text));
}

/* Appends the byte as an escape sequence. JSON has none for a byte that is not UTF-8, so such a
 * byte is shown as the character with its number. */
static bool put_escape(struct line *line, char c)
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
static bool put_escaped(struct line *line, const char *text, const char *quotable)
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

static void put_head(struct line *line, enum log_level level)
{
    uint64_t now = clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm utc;
    char date[32];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);

    bool json = line->format == LOG_FORMAT_JSON;
    int count = snprintf(line->text, sizeof line->text,
                         json ? "{\"time\": \"%s.%03uZ\", \"level\": \"%s\"" : "%s.%03uZ %s ", date,
                         (unsigned)(now % 1000), json ? LEVELS[level] : LEVELS_TEXT[level]);
    line->len = (size_t)count;
}

/* Ends the line and passes it to the writer. A log that cannot be written never stops the proxy. */
static void send_line(struct line *line)
{
    const char *end = line->format == LOG_FORMAT_JSON ? "}\n" : "\n";
    memcpy(line->text + line->len, end, strlen(end));
    line->len += strlen(end);
    log_writer_put(line->text, line->len);
}

/* --- the two kinds of lines ------------------------------------------------------------ */

static const char JSON_QUOTABLE[] = "\"\\";

void log_say(enum log_level level, const char *format, ...)
{
    if ((int)level < threshold)
        return;
    char message[PIPE_BUF];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    struct line line = {.format = (enum log_format)chosen_format};
    put_head(&line, level);
    if (line.format == LOG_FORMAT_JSON) {
        put_text(&line, ", \"message\": \"");
        put_escaped(&line, message, JSON_QUOTABLE);
        line.text[line.len++] = '"'; /* CLOSING_MAX reserves space for it */
    } else {
        put_escaped(&line, message, "\\");
    }
    send_line(&line);
}

static bool put_number(struct line *line, double number)
{
    char digits[64];
    if (!isfinite(number) || fabs(number) >= 0x1p63)
        return put_text(line, "null");
    snprintf(digits, sizeof digits, number == (double)(int64_t)number ? "%.0f" : "%.3f", number);
    return put_text(line, digits);
}

static bool put_string(struct line *line, const char *text)
{
    bool json = line->format == LOG_FORMAT_JSON;
    bool unquoted = !json && *text && !strpbrk(text, " \"\\=");
    if (unquoted)
        return put_escaped(line, text, "");
    return put_text(line, "\"") && put_escaped(line, text, JSON_QUOTABLE) && put_text(line, "\"");
}

/* A field that does not fit is left out: half a value would be wrong. */
static void put_field(struct line *line, const struct log_field *field)
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

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if ((int)level < threshold)
        return;
    struct line line = {.format = (enum log_format)chosen_format};
    put_head(&line, level);
    if (line.format == LOG_FORMAT_JSON)
        put_field(&line, &(struct log_field){.name = "event", .text = event});
    else
        put_escaped(&line, event, "");
    for (size_t i = 0; i < count; i++)
        put_field(&line, &fields[i]);
    send_line(&line);
}

static void report_lost(uint64_t lines)
{
    log_say(LOG_LEVEL_WARNING,
            "%llu lines of this log were lost: they could not be written in time",
            (unsigned long long)lines);
}

bool log_begin(void)
{
    return log_writer_begin(report_lost);
}
