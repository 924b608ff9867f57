/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/tally.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name; /* owned */
    struct tally_bytes bytes;
};

struct tally {
    void *tree; /* of tsearch() */
};

struct tally *tally_new(void)
{
    return calloc(1, sizeof(struct tally));
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct row *)left)->name, ((const struct row *)right)->name);
}

static void row_free(void *node)
{
    struct row *row = node;
    if (row)
        free((char *)row->name);
    free(row);
}

/* NULL: no memory. */
static struct row *row_new(const char *name)
{
    struct row *row = calloc(1, sizeof *row);
    if (!row)
        return NULL;
    row->name = strdup(name);
    if (row->name)
        return row;
    free(row);
    return NULL;
}

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    tdestroy(tally->tree, row_free);
    free(tally);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

bool tally_add(struct tally *tally, const char *name, struct tally_bytes bytes)
{
    struct row *row = row_new(name);
    struct row **found = row ? tsearch(row, &tally->tree, compare) : NULL;
    if (!found || *found != row)
        row_free(row);
    if (!found)
        return false;
    (*found)->bytes.firm = sum((*found)->bytes.firm, bytes.firm);
    (*found)->bytes.provisional = sum((*found)->bytes.provisional, bytes.provisional);
    return true;
}

struct tally_bytes tally_find(const struct tally *tally, const char *name)
{
    const struct row key = {.name = name};
    struct row *const *found = tally ? tfind(&key, &tally->tree, compare) : NULL;
    return found ? (*found)->bytes : (struct tally_bytes){0};
}

struct walk {
    void (*visit)(const char *name, struct tally_bytes bytes, void *context);
    void *context;
};

static void walk_row(const void *node, VISIT visit, void *context)
{
    const struct row *row = *(struct row *const *)node;
    const struct walk *walk = context;
    if (visit == postorder || visit == leaf)
        walk->visit(row->name, row->bytes, walk->context);
}

void tally_each(const struct tally *tally,
                void (*visit)(const char *name, struct tally_bytes bytes, void *context),
                void *context)
{
    struct walk walk = {visit, context};
    twalk_r(tally->tree, walk_row, &walk);
}
