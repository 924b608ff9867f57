/* SPDX-License-Identifier: Apache-2.0 */
/* The owner of a spool, as a test plays it. Include after <cmocka.h>. */
#ifndef SPOOL_SPOOL_OWNER_H
#define SPOOL_SPOOL_OWNER_H

#include "intake/log.h"
#include "intake/loop.h"
#include "intake/stream.h"
#include "intake/thread_pool.h"
#include "spool/spool_priv.h"
#include "support/disk.h"
#include "support/scratch.h"

enum { HELPERS = 2, BLOCK = SPOOL_BLOCK, WHOLE = 1 << 30 };

static struct loop *loop;
static struct thread_pool *thread_pool;
static struct spools *spools;
static const char *directory;
static const char *log_file;

static inline int begin(void **state)
{
    alarm(60); /* an endless wait fails, too */
    disk_mend();
    if (scratch_begin(state) != 0)
        return -1;
    directory = scratch_path(state, "spool");
    log_file = scratch_path(state, "log");
    loop = loop_new();
    thread_pool = thread_pool_new(HELPERS);
    spools = spools_new(thread_pool);
    return loop && thread_pool && spools && log_open(LOG_FORMAT_TEXT, false, log_file) ? 0 : -1;
}

/* After whatever way out: the space is back, the directory is empty, and no loop went to the
 * disk. */
static inline int end(void **state)
{
    thread_pool_settle(thread_pool, loop);
    bool good = spools_used(spools) == 0 && disk.calls_in_loop == 0 &&
                (access(directory, F_OK) != 0 || disk_count(directory) == 0);
    spools_free(spools);
    thread_pool_free(thread_pool);
    loop_free(loop);
    log_open(LOG_FORMAT_TEXT, false, NULL);
    alarm(0);
    return scratch_end(state) == 0 && good ? 0 : -1;
}

/* A loop that was stopped is over. */
static inline void another_loop(void)
{
    loop_free(loop);
    loop = loop_new();
    assert_non_null(loop);
}

/* --- a spool's owner -------------------------------------------------------------------------- */

struct owner {
    struct task start;
    struct spool *spool;
    size_t size;        /* of the body */
    size_t put, taken;  /* of it, so far */
    size_t put_at_once; /* at most */
    size_t read_at_once;
    uint64_t most_used; /* by all spools, as far as it has seen */
    uint64_t used;      /* by all spools, when it was ended */
    unsigned waits, wakes;
    bool ended, is_over;
    bool wrong; /* other bytes, or others' */
};

static unsigned owners_left;

static inline char byte_at(size_t at)
{
    return (char)(at * 7 + (at >> 8) * 13 + (at >> 16) * 29);
}

static inline bool wait(struct owner *owner)
{
    owner->waits += spool_fault(owner->spool) == SPOOL_GOOD;
    return false;
}

static inline bool fill(struct owner *owner)
{
    while (!owner->ended) {
        size_t room = 0;
        char *into = spool_room(owner->spool, &room);
        owner->most_used = MAX(owner->most_used, spools_used(spools));
        if (!into)
            return wait(owner);
        owner->wrong |= room < SPOOL_ROOM_MIN;
        size_t count = MIN(MIN(room, owner->put_at_once), owner->size - owner->put);
        for (size_t i = 0; i < count; i++)
            into[i] = byte_at(owner->put++);
        if (count > 0)
            spool_put(owner->spool, count);
        owner->ended = count == 0;
    }
    return spool_end(owner->spool) || wait(owner);
}

static inline bool empty(struct owner *owner)
{
    static char into[2 * BLOCK];
    ssize_t count;
    owner->used = MAX(owner->used, spools_used(spools));
    while ((count = spool_read(owner->spool, into, owner->read_at_once)) > 0)
        for (ssize_t i = 0; i < count; i++)
            owner->wrong |= into[i] != byte_at(owner->taken++);
    return count == 0 || wait(owner);
}

static inline void go_on(struct owner *owner)
{
    bool whole = fill(owner) && empty(owner);
    owner->is_over = whole || spool_fault(owner->spool) != SPOOL_GOOD;
    if (owner->is_over && --owners_left == 0)
        loop_stop(loop);
}

static inline void woken(void *context)
{
    struct owner *owner = context;
    owner->wakes++;
    go_on(owner);
}

static inline void start(struct task *task)
{
    go_on((struct owner *)task);
}

static inline struct owner make_owner(size_t size)
{
    return (struct owner){
        .start.run = start, .size = size, .put_at_once = WHOLE, .read_at_once = BLOCK};
}

static inline void open_spool(struct owner *owner, uint64_t limit)
{
    owner->spool = spool_new(spools, loop, directory, limit, woken, owner);
    assert_non_null(owner->spool);
}

static inline void run_owners(struct owner *owners, unsigned count, uint64_t limit)
{
    owners_left = count;
    for (unsigned i = 0; i < count; i++) {
        open_spool(&owners[i], limit);
        task_post(loop, &owners[i].start);
    }
    loop_run(loop);
}

static inline void run_owner(struct owner *owner, uint64_t limit)
{
    run_owners(owner, 1, limit);
}

static inline void assert_whole(const struct owner *owner)
{
    assert_int_equal(spool_fault(owner->spool), SPOOL_GOOD);
    assert_int_equal(spool_size(owner->spool), owner->size);
    assert_int_equal(owner->taken, owner->size);
    assert_false(owner->wrong);
    assert_int_equal(owner->wakes, owner->waits); /* one for each, and no other */
}

/* The log is there when its file is looked at: each line is written at once. */
static inline void assert_logged(const char *words)
{
    char line[4096] = "";
    FILE *file = fopen(log_file, "re");
    assert_non_null(file);
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    if (words && !strstr(line, words))
        fail_msg("no \"%s\" in \"%s\"", words, line);
    if (!words)
        assert_int_equal(length, 0);
}

#endif
