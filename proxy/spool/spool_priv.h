/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files of the spool. All of these functions set errno if they return
 * false or -1, except spools_reserve().
 *
 *   spool.c   one spool: the block, and its jobs
 *   spools.c  the bytes of all spools together
 *   file.c    the file of a spool
 */
#ifndef SPOOL_PRIV_H
#define SPOOL_PRIV_H

#include "intake/spool.h"

/* --- file.c: these calls may block, so never call them in a worker's loop -------------- */

/* Opens an unlinked file in the directory; creates the directory if it is missing. -1: error. */
int spool_file_open(const char *directory);

/* Write or read all `count` bytes at the offset `at`. False: error. */
bool spool_file_write(int fd, const char *bytes, size_t count, uint64_t at);
bool spool_file_read(int fd, char *into, size_t count, uint64_t at);

/* --- spools.c -------------------------------------------------------------------------- */

struct spools {
    struct thread_pool *thread_pool;
    _Atomic uint64_t used;
};

/* Reserves `count` bytes before they are written to disk. False: the sum would be larger than
 * `limit`. May be called from any thread. */
bool spools_reserve(struct spools *spools, uint64_t count, uint64_t limit);
void spools_release(struct spools *spools, uint64_t count);

#endif
