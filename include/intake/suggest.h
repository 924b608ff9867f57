/* SPDX-License-Identifier: Apache-2.0 */
/* The known word somebody most likely meant. */
#ifndef INTAKE_SUGGEST_H
#define INTAKE_SUGGEST_H

#include <stddef.h>

/* The one of `known` that takes the fewest changed, added or left-out letters to become `word`;
 * NULL when none is near enough to be meant. */
const char *suggest_word(const char *word, const char *const *known, size_t count);

#endif
