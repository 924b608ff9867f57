/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a body of unknown length on disk until its end has come.
 *
 * A spool is an unlinked file, so its space is freed even if the program crashes. One block is in
 * memory at a time. Jobs of the thread pool write and read it, so a slow disk delays the upload but
 * not the worker. A spool is filled, ended, and then read from its beginning. */
#ifndef INTAKE_SPOOL_H
#define INTAKE_SPOOL_H

#include "intake/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct thread_pool;
struct loop;
struct spool;
struct spools;

/* What the spools of all workers share: the thread pool, and the sum of their bytes on disk. The
 * thread pool is borrowed. NULL: no memory. */
struct spools *spools_new(struct thread_pool *thread_pool);
void spools_free(struct spools *spools); /* all spools must be freed before. NULL is fine */
uint64_t spools_used(const struct spools *spools); /* bytes reserved; from any thread */

/* Counts bytes on disk that no spool has at the moment, without regard to a limit. From any thread.
 */
void spools_count(struct spools *spools, uint64_t bytes);
void spools_discount(struct spools *spools, uint64_t bytes);

/* Whether spools can be written to this directory. A missing directory is created when a spool
 * needs it (mode 0700, only the last component). This function removes a directory that it has
 * created, because it may run as another user than the server. False: `why` says why, as a clause.
 * Blocks. */
bool spools_try_directory(const char *directory, char *why, size_t room);

enum { SPOOL_BLOCK = 256 * 1024, SPOOL_ROOM_MIN = 16 * 1024 };

enum spool_fault {
    SPOOL_GOOD,
    SPOOL_FULL, /* all spools together hold `limit` bytes, or the disk is full */
    SPOOL_NO_MEMORY,
    SPOOL_BROKEN /* the disk has failed; the log has the error */
};

/* `limit`: bytes of all spools together. `wake` is called in the loop's thread after a function
 * below has told its caller to wait. NULL: no memory. */
struct spool *spool_new(struct spools *spools, struct loop *loop, const char *directory,
                        uint64_t limit, void (*wake)(void *context), void *context);

/* Goes on with a file that has `size` bytes already, instead of an unlinked one. They count for all
 * spools together, without regard to the limit. Call it first; the spool owns the descriptor. */
void spool_adopt(struct spool *spool, int fd, uint64_t size);

/* Reserves the space for `size` bytes in all, before they are put. False: all spools together would
 * hold more than `limit`; nothing has changed. Without it, each block is reserved when it is
 * written. */
bool spool_reserve(struct spool *spool, uint64_t size);

/* The buffer for the next bytes, with its size in `room` (at least SPOOL_ROOM_MIN: a block with
 * less space is written to disk). Valid until spool_put(). NULL: wait, or there is a fault. */
char *spool_room(struct spool *spool, size_t *room);
void spool_put(struct spool *spool, size_t count);

/* Writes what is in the block. True: everything that was put is in the file. False: wait and call
 * it again, or there is a fault. The filling goes on afterwards. */
bool spool_flush(struct spool *spool);

/* Ends the filling, and gives back the reserved bytes that are not needed. True: everything was
 * written, and reading may begin. False: wait and call it again, or there is a fault. */
bool spool_end(struct spool *spool);

uint64_t spool_size(const struct spool *spool);    /* bytes put */
uint64_t spool_written(const struct spool *spool); /* bytes of them in the file */
enum spool_fault spool_fault(const struct spool *spool);

/* Reads up to `room` bytes. 0: the end. STREAM_WAIT: wait, or there is a fault. */
ssize_t spool_read(struct spool *spool, void *into, size_t room);

/* Begins reading again from the beginning. Call it after the filling has ended. */
void spool_rewind(struct spool *spool);

/* May be called in any state. A job closes the file, which frees its space. NULL is fine. */
void spool_free(struct spool *spool);

#endif
