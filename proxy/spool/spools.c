/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the bytes of all spools together, and tests the spool directory. */
#include "spool/spool_priv.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct spools *spools_new(struct thread_pool *thread_pool)
{
    struct spools *spools = calloc(1, sizeof *spools);
    if (spools)
        spools->thread_pool = thread_pool;
    return spools;
}

void spools_free(struct spools *spools)
{
    free(spools);
}

uint64_t spools_used(const struct spools *spools)
{
    return atomic_load_explicit(&spools->used, memory_order_relaxed);
}

bool spools_reserve(struct spools *spools, uint64_t count, uint64_t limit)
{
    uint64_t used = spools_used(spools);
    do {
        if (used > limit || count > limit - used)
            return false;
    } while (!atomic_compare_exchange_weak(&spools->used, &used, used + count));
    return true;
}

void spools_count(struct spools *spools, uint64_t bytes)
{
    atomic_fetch_add(&spools->used, bytes);
}

void spools_discount(struct spools *spools, uint64_t bytes)
{
    spools_release(spools, bytes);
}

void spools_release(struct spools *spools, uint64_t count)
{
    atomic_fetch_sub(&spools->used, count);
}

bool spools_try_directory(const char *directory, char *why, size_t room)
{
    bool made = mkdir(directory, 0700) == 0;
    if (!made && errno != EEXIST) {
        snprintf(why, room, "cannot be made: %s", strerror(errno));
        return false;
    }
    int fd = spool_file_open(directory);
    if (fd < 0)
        snprintf(why, room, "cannot be written to: %s", strerror(errno));
    else
        close(fd);
    if (made)
        rmdir(directory);
    return fd >= 0;
}
