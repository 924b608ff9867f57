/* SPDX-License-Identifier: Apache-2.0 */
/* Whole lines of the log on their way to where they are read. */
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts the thread that writes. `tell_lost` is called in it, once lines get through again after
 * some were lost; it may put a line. False: no thread. */
bool log_writer_begin(void (*tell_lost)(uint64_t lines));

/* From any thread. `line` ends with its only newline and has at most PIPE_BUF bytes. */
void log_writer_put(const char *line, size_t length);

/* The descriptor that lines go to from now on; its number may be given to another file later. */
void log_writer_aim(int fd);

#endif
