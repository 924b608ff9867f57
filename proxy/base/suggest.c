/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the known word that is nearest to a mistyped one. */
#include "intake/suggest.h"

#include <string.h>

enum { LONGEST = 63 }; /* longest word that is compared, in bytes */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The Levenshtein distance. Only one row of the matrix is kept. */
static size_t distance(const char *a, const char *b, size_t b_length)
{
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_length; j++) {
            size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = smaller(replaced, smaller(row[j], row[j + 1]) + 1);
        }
    }
    return row[b_length];
}

const char *suggest_word(const char *word, const char *const *known, size_t count)
{
    size_t length = strlen(word);
    if (length > LONGEST)
        return NULL;
    const char *best = NULL;
    size_t best_distance = 2 + length / 4; /* at this distance it is a different word */
    for (size_t i = 0; i < count; i++) {
        size_t known_length = strlen(known[i]);
        if (known_length > LONGEST)
            continue;
        size_t changes = distance(word, known[i], known_length);
        /* If every letter is replaced, the two words have nothing in common. */
        if (changes < best_distance && changes < known_length && changes < length) {
            best = known[i];
            best_distance = changes;
        }
    }
    return best;
}
