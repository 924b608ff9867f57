/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the log; for log.c. A line has at most PIPE_BUF bytes, so that it stays whole in a
 * pipe that others also write to (pipe(7)). It ends with its only newline. */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "intake/log.h"

#include <limits.h>

struct log_line {
    enum log_format format;
    bool for_journal; /* it has the form of journal.h */
    size_t len;
    char text[PIPE_BUF];
};

/* See log_say_about() and log_event(). */
struct log_line log_line_message(enum log_format format, bool for_journal, enum log_level level,
                                 const struct log_subject *subject, const char *message);
struct log_line log_line_event(enum log_format format, bool for_journal, enum log_level level,
                               const char *event, const struct log_field *fields, size_t count);

#endif
