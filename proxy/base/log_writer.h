/* SPDX-License-Identifier: Apache-2.0 */
/* Writes whole log lines to their destination, in a thread of its own. */
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts the writing thread. That thread calls `report_lost` after lines were lost, once it can
 * write again; `report_lost` may log a line. False: the thread cannot be created. */
bool log_writer_begin(void (*report_lost)(uint64_t lines));

/* Thread-safe. `line` ends with its only newline and has at most PIPE_BUF bytes. */
void log_writer_put(const char *line, size_t length);

/* Sets the descriptor that lines are written to. The caller keeps it, and may replace its file with
 * dup3(2) later. */
void log_writer_set_destination(int fd);

#endif
