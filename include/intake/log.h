/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line per event, text or JSON, to standard error or a file.
 *
 * Lines of several threads never mix. Control characters in values are escaped: nothing a client
 * sends can forge a line. Secrets are never passed to this module (see headers that carry them in
 * request.h).
 *
 * Between log_begin() and log_end() no call here waits for whoever reads the log: lines are written
 * by a thread of its own, and those that it cannot get rid of are lost, and counted. */
#ifndef INTAKE_LOG_H
#define INTAKE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Sets format, threshold and destination (`path` NULL or "": standard error). Opens the
 * file anew each time, so calling it again is how a rotated log is followed. False, with
 * errno: the file cannot be opened; the old destination stays. Thread-safe. */
bool log_open(enum log_format format, bool debug, const char *path);

/* False: no thread. */
bool log_begin(void);

/* Waits until every line is written, but no longer than `ms`. */
void log_end(unsigned ms);

/* Lines that were lost so far. */
uint64_t log_lost(void);

bool log_debug_wanted(void);

/* A line of prose; cut at 4 KiB. */
void log_say(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A field of a structured line: text if `text` is set, else the number; a field whose
 * `text` is NULL and which is not a number is left out. */
struct log_field {
    const char *name;
    const char *text;
    bool is_number;
    double number;
};

/* "upload request_id=... image=..." or {"event": "upload", "request_id": ...}. */
void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

#endif
