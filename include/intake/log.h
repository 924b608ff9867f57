/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line per event, as text or JSON, to standard error or a file.
 *
 * Lines of several threads never mix. Control characters in values are escaped, so a client cannot
 * forge a line. Callers never pass secrets here (request.h names the headers that carry them).
 *
 * Between log_begin() and log_end() no call here waits for the reader of the log. A separate thread
 * writes the lines. Lines that it cannot write are lost, and counted. */
#ifndef INTAKE_LOG_H
#define INTAKE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Sets format, threshold and destination (`path` NULL or "": standard error). Each call opens the
 * file again, so a call follows a rotated log. A new file has the mode 0640. False, with errno: the
 * file cannot be opened, and nothing has changed. Thread-safe. */
bool log_open(enum log_format format, bool debug, const char *path);

/* Starts the writing thread. False: the thread cannot be created. */
bool log_begin(void);

/* Waits until every line is written, at most `ms` milliseconds, and ends the thread. */
void log_end(unsigned ms);

/* The number of lines that were lost so far. */
uint64_t log_lost(void);

bool log_debug_wanted(void);

/* Writes a free-form message, cut at 4 KiB. */
void log_say(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a line is about. A member that is NULL or "" is not known. Borrowed. */
struct log_subject {
    const char *request_id;
    const char *trace_id;
    const char *image;
};

/* Writes a message about a request: "request_id: message trace_id=...". As JSON, the line also has
 * request_id and trace_id. */
void log_say_about(enum log_level level, const struct log_subject *subject, const char *message);

/* A field of a structured line: `text` if it is set, else `number` if `is_number`. A field with
 * neither is left out. */
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
