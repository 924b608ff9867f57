/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory for one test, removed after it. As a cmocka fixture:
 * cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end). */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct scratch {
    char dir[64];
    char *paths[16]; /* results of scratch_path() */
    size_t count;
};

static inline int scratch_begin(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return -1;
    const char *base = getenv("TMPDIR");
    snprintf(scratch->dir, sizeof scratch->dir, "%.40s/intake-XXXXXX", base ? base : "/tmp");
    *state = scratch;
    return mkdtemp(scratch->dir) ? 0 : -1;
}

static inline int scratch_remove(const char *path, const struct stat *status, int type,
                                 struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline int scratch_end(void **state)
{
    struct scratch *scratch = *state;
    int result = nftw(scratch->dir, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < scratch->count; i++)
        free(scratch->paths[i]);
    free(scratch);
    return result;
}

/* The path of a name in the directory; good until the end of the test. */
static inline const char *scratch_path(void **state, const char *name)
{
    struct scratch *scratch = *state;
    for (size_t i = 0; i < scratch->count; i++)
        if (strcmp(scratch->paths[i] + strlen(scratch->dir) + 1, name) == 0)
            return scratch->paths[i];
    if (scratch->count == sizeof scratch->paths / sizeof scratch->paths[0])
        abort();
    if (asprintf(&scratch->paths[scratch->count], "%s/%s", scratch->dir, name) < 0)
        abort();
    return scratch->paths[scratch->count++];
}

static inline const char *scratch_write(void **state, const char *name, const void *bytes,
                                        size_t count)
{
    const char *path = scratch_path(state, name);
    FILE *file = fopen(path, "we");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0)
        abort();
    return path;
}

/* Writes a file; its path. */
static inline const char *scratch_file(void **state, const char *name, const char *text)
{
    return scratch_write(state, name, text, strlen(text));
}

/* Makes a directory; its path. */
static inline const char *scratch_dir(void **state, const char *name)
{
    const char *path = scratch_path(state, name);
    if (mkdir(path, 0700) != 0)
        abort();
    return path;
}

#endif
