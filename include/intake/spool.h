/* SPDX-License-Identifier: Apache-2.0 */
/* A body that does not say its length, kept on disk until it does.
 *
 * A spool is an unlinked file: whatever becomes of the program, its space comes back. One block at
 * a time is in memory; it goes to the disk and comes from there by errands, so a slow disk makes
 * the upload wait and never the worker. A spool is filled, ended, then read once from its
 * beginning. */
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

/* What all workers' spools share: the helper threads, and how many bytes they hold together. */
struct spools *spools_new(struct thread_pool *thread_pool); /* borrowed. NULL: no memory */
void spools_free(struct spools *spools);           /* every spool's space is back. NULL is fine */
uint64_t spools_used(const struct spools *spools); /* bytes; from any thread */

/* Can spools be kept in this directory? One that is not there is made when it is needed (0700, and
 * only its last part): trying that leaves nothing behind, so that whoever tries need not be who
 * serves. False: `why` says what is wrong, as a clause. Blocks. */
bool spools_try_directory(const char *directory, char *why, size_t room);

enum { SPOOL_BLOCK = 256 * 1024, SPOOL_ROOM_MIN = 16 * 1024 };

enum spool_fault {
    SPOOL_GOOD,
    SPOOL_FULL,      /* all spools together hold `limit` bytes, or the disk is full */
    SPOOL_NO_MEMORY, /* neither is at fault */
    SPOOL_BROKEN     /* the disk failed: the log says how */
};

/* `wake` is called in the loop's turn when a call below that said "wait" has something to say.
 * NULL: no memory. */
struct spool *spool_new(struct spools *spools, struct loop *loop, const char *directory,
                        uint64_t limit, void (*wake)(void *context), void *context);

/* Where the next bytes go, and for how many there is room (at least SPOOL_ROOM_MIN: a block with
 * less left goes to the disk as it is): valid until spool_put(). NULL: wait, or there is a fault.
 */
char *spool_room(struct spool *spool, size_t *room);
void spool_put(struct spool *spool, size_t count);

/* No more bytes come. True: all of it is safe, reading may begin. False: wait (and call again), or
 * there is a fault. */
bool spool_end(struct spool *spool);

uint64_t spool_size(const struct spool *spool); /* bytes put */
enum spool_fault spool_fault(const struct spool *spool);

/* Up to `room` bytes; 0: that was all; STREAM_WAIT: wait, or there is a fault. */
ssize_t spool_read(struct spool *spool, void *into, size_t room);

/* In any state; the file is closed, which frees its space, by an errand. NULL is fine. */
void spool_free(struct spool *spool);

#endif
