/* SPDX-License-Identifier: Apache-2.0 */
/* Overwrites memory before it is given back. */
#include "intake/secret.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* The size that the allocator has given, which is at least the one that was asked for. */
void secret_free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

/* realloc() would leave the old bytes behind if it moved them. */
void *secret_realloc(void *memory, size_t size)
{
    size_t had = memory ? malloc_usable_size(memory) : 0;
    if (memory && size && size <= had)
        return memory;
    void *grown = malloc(size ? size : 1);
    if (!grown)
        return NULL;
    if (memory)
        memcpy(grown, memory, had < size ? had : size);
    secret_free(memory);
    return grown;
}

void secret_wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}
