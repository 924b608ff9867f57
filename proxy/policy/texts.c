/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of strings, and the rules for names. */
#include "intake/buffer.h"
#include "policy/policy_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool strings_add(struct strings *strings, const char *text)
{
    if (strings->count == POLICY_LIST_MAX)
        return false;
    char **items = reallocarray(strings->items, strings->count + 1, sizeof *items);
    if (!items)
        return false;
    strings->items = items;
    items[strings->count] = strdup(text);
    if (!items[strings->count])
        return false;
    strings->count++;
    return true;
}

bool strings_have(const struct strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->items[i], text) == 0)
            return true;
    return false;
}

char *strings_join(const struct strings *strings, const char *last)
{
    struct buffer joined;
    buffer_init(&joined, (size_t)POLICY_LIST_MAX * (POLICY_TEXT_MAX + 8));
    bool good = buffer_append(&joined, "", 0);
    for (size_t i = 0; i < strings->count && good; i++) {
        const char *before = i == 0 ? "" : i + 1 == strings->count ? last : ", ";
        good = buffer_print(&joined, "%s%s", before, strings->items[i]);
    }
    if (good)
        return joined.data;
    buffer_free(&joined);
    return NULL;
}

void strings_free(struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct strings){0};
}

bool policy_name_valid(const char *name)
{
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || (name[length] && strchr("._-", name[length])))
        length++;
    return length > 0 && length <= POLICY_NAME_MAX && !name[length];
}

bool policy_method_valid(const char *name)
{
    size_t length = 0;
    while (islower((unsigned char)name[length]) || isdigit((unsigned char)name[length]) ||
           name[length] == '-')
        length++;
    return length > 0 && length <= POLICY_NAME_MAX && !name[length];
}

bool policy_store_reserved(const char *store)
{
    static const char prefix[] = "os_glance_";
    return strncmp(store, prefix, sizeof prefix - 1) == 0;
}
