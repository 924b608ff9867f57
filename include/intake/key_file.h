/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a key from a file that has nothing else but trailing whitespace. The caller erases the key
 * with explicit_bzero() after use. Error texts never contain a part of the key. */
#ifndef INTAKE_KEY_FILE_H
#define INTAKE_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { KEY_MAX = 256 };

/* False: `why` says what is wrong, as a clause. Only a regular file is read, so the call blocks no
 * longer than the disk does. */
bool key_file_read(const char *path, char key[KEY_MAX + 1], char *why, size_t size);

#endif
