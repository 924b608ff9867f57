/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that held a secret: a password, a token, a key. */
#ifndef INTAKE_SECRET_H
#define INTAKE_SECRET_H

#include <stddef.h>

/* As free() and realloc(), but memory that is given back is overwritten first. For libraries that
 * let their caller choose these functions, too. */
void secret_free(void *memory);
void *secret_realloc(void *memory, size_t size);

/* Overwrites the text with NULs. NULL is fine. */
void secret_wipe(char *text);

#endif
