/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the spool stage share. Below, false (or -1) comes with errno. */
#ifndef SPOOL_PRIV_H
#define SPOOL_PRIV_H

#include "intake/spool.h"

/* --- file.c: the calls that may block; none belongs into a worker's loop --------------- */

/* A file without a name in the directory, which is made if it is not there; -1: none. */
int spool_file_open(const char *directory);

/* All of it, or false. */
bool spool_file_write(int fd, const char *bytes, size_t count, uint64_t at);
bool spool_file_read(int fd, char *into, size_t count, uint64_t at);

/* --- spools.c -------------------------------------------------------------------------- */

struct spools {
    struct thread_pool *thread_pool;
    _Atomic uint64_t used;
};

/* Before `count` bytes go to the disk. False: there would be more than `limit`. From any thread. */
bool spools_take(struct spools *spools, uint64_t count, uint64_t limit);
void spools_give_back(struct spools *spools, uint64_t count);

#endif
