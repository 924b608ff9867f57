/* SPDX-License-Identifier: Apache-2.0 */
/* For hints.c: commands that make another file of FILE. All results are string literals, or the
 * argument. */
#ifndef REPLY_COMMANDS_H
#define REPLY_COMMANDS_H

/* qemu-img's name of Glance's format. */
const char *command_qemu_name(const char *format);

/* Makes COPY, a smaller file of the same disk in the same format. NULL: there is no such command.
 */
const char *command_that_shrinks(const char *format);

/* Makes COPY, the decompressed FILE, if `detail` (NULL is fine) says how FILE is compressed:
 * "declared raw, but this is xz: decompress it first". NULL: it does not. */
const char *command_that_decompresses(const char *detail);

#endif
