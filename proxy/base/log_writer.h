/* SPDX-License-Identifier: Apache-2.0 */
/* Whole lines of the log on their way to where they are read. */
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include <stddef.h>

/* From any thread. `line` ends with its only newline and has at most PIPE_BUF bytes. */
void log_writer_put(const char *line, size_t length);

/* The descriptor that lines go to from now on; its number may be given to another file later. */
void log_writer_aim(int fd);

#endif
