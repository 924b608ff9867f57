/* SPDX-License-Identifier: Apache-2.0 */
/* An OVA: a tar whose first file is its .ovf (DMTF DSP0243, section 5.3). A tar is a run of blocks;
 * an entry is one with its head, then its data (POSIX.1, ustar):
 *
 *      0 name (100)   124 size, octal (12)   156 type
 *
 * What pax and GNU tar say beforehand of the file that follows is an entry, too. */
#include "format_priv.h"

#include <string.h>
#include <strings.h>

enum { BLOCK = 512, NAME_LENGTH = 100, AT_SIZE = 124, SIZE_LENGTH = 12, AT_TYPE = 156 };
enum { SUFFIX = 4, ENTRIES_MAX = 4 };

static bool ends_in_ovf(const char *name)
{
    size_t length = strnlen(name, NAME_LENGTH);
    return length > SUFFIX && !strncasecmp(name + length - SUFFIX, ".ovf", SUFFIX);
}

static bool says_of_the_next(char type)
{
    return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

static uint64_t data_size(const char *head)
{
    uint64_t size = 0;
    for (int i = 0; i < SIZE_LENGTH && head[AT_SIZE + i] >= '0' && head[AT_SIZE + i] <= '7'; i++)
        size = size * 8 + (uint64_t)(head[AT_SIZE + i] - '0');
    return size;
}

bool ova_holds(const struct view *opening)
{
    uint64_t at = 0;
    for (int i = 0; i < ENTRIES_MAX && view_has(opening, at, BLOCK); i++) {
        const char *head = (const char *)opening->bytes + at;
        if (!says_of_the_next(head[AT_TYPE]))
            return ends_in_ovf(head);
        at += BLOCK + (data_size(head) + BLOCK - 1) / BLOCK * BLOCK;
    }
    return false;
}
