/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the known word that a misspelled one most likely stands for. */
#ifndef INTAKE_SUGGEST_H
#define INTAKE_SUGGEST_H

#include <stddef.h>

/* Returns the element of `known` that becomes `word` with the fewest changed, added or removed
 * letters. NULL: none is similar enough. */
const char *suggest_word(const char *word, const char *const *known, size_t count);

#endif
