/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "policy/policy_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool texts_add(struct texts *texts, const char *text)
{
    if (texts->count == POLICY_LIST_MAX)
        return false;
    char **items = reallocarray(texts->items, texts->count + 1, sizeof *items);
    if (!items)
        return false;
    texts->items = items;
    items[texts->count] = strdup(text);
    if (!items[texts->count])
        return false;
    texts->count++;
    return true;
}

bool texts_have(const struct texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->items[i], text) == 0)
            return true;
    return false;
}

char *texts_join(const struct texts *texts, const char *last)
{
    struct buffer joined;
    buffer_init(&joined, (size_t)POLICY_LIST_MAX * (POLICY_TEXT_MAX + 8));
    bool good = buffer_append(&joined, "", 0);
    for (size_t i = 0; i < texts->count && good; i++) {
        const char *before = i == 0 ? "" : i + 1 == texts->count ? last : ", ";
        good = buffer_print(&joined, "%s%s", before, texts->items[i]);
    }
    if (good)
        return joined.data;
    buffer_free(&joined);
    return NULL;
}

void texts_free(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct texts){0};
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
