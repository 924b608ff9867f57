/* SPDX-License-Identifier: Apache-2.0 */
/* A key that stands alone in a file, but for the end of its line. Whoever reads one erases it
 * (explicit_bzero()) when it has been used; the reasons given here never hold a part of it. */
#ifndef INTAKE_KEY_FILE_H
#define INTAKE_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { KEY_MAX = 256 };

/* False: `why` says what is wrong, as a clause. Blocks as long as the disk does, and no longer:
 * only a regular file is read. */
bool key_file_read(const char *path, char key[KEY_MAX + 1], char *why, size_t room);

#endif
