/* SPDX-License-Identifier: Apache-2.0 */
/* The log: where it goes, and what is in it. log_line.c makes a line, and log_writer.c writes it.
 *
 * The destination is one file descriptor whose number stays the same. A rotated file replaces it
 * with dup3(2), which is atomic.
 *
 * Under systemd the line goes to the journal, which has a time and a level of its own: so a text
 * has neither. What the line is about is in fields, too (journal.h).
 *
 *   text   2026-01-31T12:00:00.000Z INFO upload image=... verdict=stored
 *   json   {"time": "2026-01-31T12:00:00.000Z", "level": "info", "event": "upload", ...} */
#include "intake/log.h"

#include "base/journal.h"
#include "base/log_line.h"
#include "base/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640 };

static _Atomic int destination = STDERR_FILENO;
static atomic_bool to_journal;
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

/* A new file can be read by its group, whatever the umask says. One that exists keeps the mode that
 * the operator or logrotate has given it. */
static int open_file(const char *path)
{
    const int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    struct stat status;
    if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
        return open_fifo(path);
    int fd = open(path, flags | O_CREAT | O_EXCL, FILE_MODE);
    if (fd >= 0)
        fchmod(fd, FILE_MODE);
    return fd < 0 && errno == EEXIST ? open(path, flags | O_CREAT, FILE_MODE) : fd;
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
        to_journal = (!path || !*path) && journal_has_stderr();
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

/* --- lines ----------------------------------------------------------------------------- */

/* A log that cannot be written never stops the proxy. */
static void write_message(enum log_level level, const struct log_subject *subject,
                          const char *message)
{
    const struct log_line line =
        log_line_message((enum log_format)chosen_format, to_journal, level, subject, message);
    log_writer_put(line.text, line.len);
}

void log_say(enum log_level level, const char *format, ...)
{
    if ((int)level < threshold)
        return;
    char message[PIPE_BUF];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    write_message(level, &(struct log_subject){0}, message);
}

void log_say_about(enum log_level level, const struct log_subject *subject, const char *message)
{
    if ((int)level >= threshold)
        write_message(level, subject, message);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if ((int)level < threshold)
        return;
    const struct log_line line =
        log_line_event((enum log_format)chosen_format, to_journal, level, event, fields, count);
    log_writer_put(line.text, line.len);
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
