/* SPDX-License-Identifier: Apache-2.0 */
/* A list of texts, for options that can be given more than once. */
#include "cli/cli.h"

#include <stdlib.h>

bool text_list_add(const char ***list, size_t *count, const char *text)
{
    const char **grown = reallocarray(*list, *count + 1, sizeof *grown);
    if (!grown)
        return false;
    grown[(*count)++] = text;
    *list = grown;
    return true;
}
