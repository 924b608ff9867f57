/* SPDX-License-Identifier: Apache-2.0 */
/* Spools on a real loop with real helpers, in a directory of their own. */
#include "intake/log.h"
#include "intake/loop.h"
#include "intake/stream.h"
#include "intake/thread_pool.h"
#include "spool/spool_priv.h"

#include "support/disk.h"
#include "support/scratch.h"

#include <sched.h>
#include <setjmp.h>
#include <sys/mount.h>
#include <sys/param.h>

#include <cmocka.h>

enum { HELPERS = 2, BLOCK = SPOOL_BLOCK, WHOLE = 1 << 30 };

static struct loop *loop;
static struct thread_pool *thread_pool;
static struct spools *spools;
static const char *directory;
static const char *log_file;

static int begin(void **state)
{
    alarm(60); /* what waits for ever fails, too */
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
static int end(void **state)
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
static void another_loop(void)
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

static char byte_at(size_t at)
{
    return (char)(at * 7 + (at >> 8) * 13 + (at >> 16) * 29);
}

static bool wait(struct owner *owner)
{
    owner->waits += spool_fault(owner->spool) == SPOOL_GOOD;
    return false;
}

static bool fill(struct owner *owner)
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

static bool empty(struct owner *owner)
{
    static char into[2 * BLOCK];
    ssize_t count;
    owner->used = MAX(owner->used, spools_used(spools));
    while ((count = spool_read(owner->spool, into, owner->read_at_once)) > 0)
        for (ssize_t i = 0; i < count; i++)
            owner->wrong |= into[i] != byte_at(owner->taken++);
    return count == 0 || wait(owner);
}

static void go_on(struct owner *owner)
{
    bool whole = fill(owner) && empty(owner);
    owner->is_over = whole || spool_fault(owner->spool) != SPOOL_GOOD;
    if (owner->is_over && --owners_left == 0)
        loop_stop(loop);
}

static void woken(void *context)
{
    struct owner *owner = context;
    owner->wakes++;
    go_on(owner);
}

static void start(struct task *task)
{
    go_on((struct owner *)task);
}

static struct owner make_owner(size_t size)
{
    return (struct owner){
        .start.run = start, .size = size, .put_at_once = WHOLE, .read_at_once = BLOCK};
}

static void open_spool(struct owner *owner, uint64_t limit)
{
    owner->spool = spool_new(spools, loop, directory, limit, woken, owner);
    assert_non_null(owner->spool);
}

static void run_owners(struct owner *owners, unsigned count, uint64_t limit)
{
    owners_left = count;
    for (unsigned i = 0; i < count; i++) {
        open_spool(&owners[i], limit);
        task_post(loop, &owners[i].start);
    }
    loop_run(loop);
}

static void run_owner(struct owner *owner, uint64_t limit)
{
    run_owners(owner, 1, limit);
}

static void assert_whole(const struct owner *owner)
{
    assert_int_equal(spool_fault(owner->spool), SPOOL_GOOD);
    assert_int_equal(spool_size(owner->spool), owner->size);
    assert_int_equal(owner->taken, owner->size);
    assert_false(owner->wrong);
    assert_int_equal(owner->wakes, owner->waits); /* one for each, and no other */
}

/* The log is there when its file is looked at: each line is written at once. */
static void assert_logged(const char *words)
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

/* --- what is put is what is read -------------------------------------------------------------- */

static void every_size_comes_back(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        bool on_disk;
    } rows[] = {
        {0, false},
        {1, false},
        {BLOCK - SPOOL_ROOM_MIN, false},
        {BLOCK - SPOOL_ROOM_MIN + 1, true},
        {BLOCK - 1, true},
        {BLOCK, true},
        {BLOCK + 1, true},
        {3 * BLOCK, true},
        {5 * BLOCK + 12345, true},
    };
    static const struct {
        size_t put, read;
    } ways[] = {{WHOLE, BLOCK}, {WHOLE, 2 * BLOCK}, {4096, 1000}, {16383, 65537}, {977, 1}};
    size_t open_before = disk_count("/proc/self/fd");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof ways / sizeof ways[0]; j++) {
            struct owner owner = make_owner(rows[i].size);
            owner.put_at_once = ways[j].put;
            owner.read_at_once = ways[j].read;
            run_owner(&owner, WHOLE);
            assert_whole(&owner);
            assert_int_equal(owner.used, rows[i].on_disk ? rows[i].size : 0);
            assert_int_equal(owner.waits > 0, rows[i].on_disk);
            assert_int_equal(spool_read(owner.spool, (char[1]){0}, 1), 0);
            spool_free(owner.spool);
            thread_pool_settle(thread_pool, loop);
            assert_int_equal(spools_used(spools), 0);
            assert_int_equal(disk_count("/proc/self/fd"), open_before);
            another_loop();
        }
    assert_logged(NULL);
}

static void a_small_one_needs_no_disk(void **state)
{
    (void)state;
    struct owner owner = make_owner(1000);
    directory = "/proc/nonexistent/none";
    run_owner(&owner, 0);
    assert_whole(&owner);
    spool_free(owner.spool);
}

static void a_disk_that_takes_and_gives_little_at_a_time_is_good(void **state)
{
    (void)state;
    struct owner owner = make_owner(3 * BLOCK + 1);
    disk.piece = 4099;
    disk.interrupts = 10;
    run_owner(&owner, WHOLE);
    assert_whole(&owner);
    assert_int_equal(disk.interrupts, 0);
    spool_free(owner.spool);
}

/* --- the limit -------------------------------------------------------------------------------- */

static void the_limit_is_exact(void **state)
{
    (void)state;
    struct owner fits = make_owner(2 * BLOCK + 100);
    run_owner(&fits, 2 * BLOCK + 100);
    assert_whole(&fits);
    spool_free(fits.spool);
    thread_pool_settle(thread_pool, loop);
    another_loop();

    struct owner too_large = make_owner(2 * BLOCK + 101);
    run_owner(&too_large, 2 * BLOCK + 100);
    assert_int_equal(spool_fault(too_large.spool), SPOOL_FULL);
    assert_int_equal(too_large.most_used, 2 * BLOCK);
    assert_int_equal(too_large.taken, 0);
    assert_logged(NULL);
    spool_free(too_large.spool);
}

/* Both want two blocks of three: the one that comes last to its second has none, and what it had is
 * free again before it is freed. */
static void spools_share_the_limit(void **state)
{
    (void)state;
    struct owner owners[] = {make_owner(2 * BLOCK), make_owner(2 * BLOCK)};
    run_owners(owners, 2, 3 * BLOCK);
    size_t full = spool_fault(owners[0].spool) == SPOOL_FULL ? 0 : 1;
    assert_int_equal(spool_fault(owners[full].spool), SPOOL_FULL);
    assert_whole(&owners[1 - full]);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(spools_used(spools), 2 * BLOCK);
    spool_free(owners[0].spool);
    spool_free(owners[1].spool);
}

static void many_go_side_by_side(void **state)
{
    (void)state;
    enum { MANY = 20 };
    struct owner owners[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        owners[i] = make_owner((i + 1) * 100 * 1000);
        owners[i].put_at_once = 1000 * (i + 1);
    }
    run_owners(owners, MANY, WHOLE);
    for (unsigned i = 0; i < MANY; i++) {
        assert_whole(&owners[i]);
        spool_free(owners[i].spool);
    }
}

/* --- a disk that fails ------------------------------------------------------------------------ */

static void a_disk_that_fails_is_told_as_what_it_is(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum spool_fault fault;
        const char *said;
    } rows[] = {
        {ENOSPC, SPOOL_FULL, "No space left on device"},
        {EDQUOT, SPOOL_FULL, "Disk quota exceeded"},
        {ENOMEM, SPOOL_NO_MEMORY, "Cannot allocate memory"},
        {EIO, SPOOL_BROKEN, "Input/output error"},
        {EFBIG, SPOOL_BROKEN, "File too large"},
    };
    static const int64_t capacity[] = {0, 1, BLOCK, 2 * BLOCK + 1};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof capacity / sizeof capacity[0]; j++) {
            struct owner owner = make_owner(2 * BLOCK + 100);
            disk.room = capacity[j];
            disk.error = rows[i].error;
            assert_int_equal(truncate(log_file, 0), 0);
            run_owner(&owner, WHOLE);
            assert_int_equal(spool_fault(owner.spool), rows[i].fault);
            assert_int_equal(owner.taken, 0);
            assert_int_equal(owner.wakes, owner.waits);
            assert_logged(rows[i].said);
            assert_logged(directory);
            thread_pool_settle(thread_pool, loop);
            assert_int_equal(spools_used(spools), 0); /* at once */
            size_t room;
            assert_null(spool_room(owner.spool, &room));
            assert_false(spool_end(owner.spool));
            assert_int_equal(spool_read(owner.spool, &room, 1), STREAM_WAIT);
            spool_free(owner.spool);
            another_loop();
        }
}

static void a_disk_that_cannot_be_read_is_broken(void **state)
{
    (void)state;
    struct owner owner = make_owner(2 * BLOCK);
    disk.read_error = EIO;
    run_owner(&owner, WHOLE);
    assert_int_equal(spool_fault(owner.spool), SPOOL_BROKEN);
    assert_int_equal(owner.taken, 0);
    assert_int_equal(owner.wakes, owner.waits);
    assert_logged("Input/output error");
    spool_free(owner.spool);
}

static void a_directory_that_is_not_there_is_broken(void **state)
{
    (void)state;
    struct owner owner = make_owner(BLOCK);
    directory = "/proc/nonexistent/none";
    run_owner(&owner, WHOLE);
    assert_int_equal(spool_fault(owner.spool), SPOOL_BROKEN);
    assert_logged("/proc/nonexistent/none: No such file or directory");
    spool_free(owner.spool);
}

/* A file system of half a megabyte, for this thread and those it starts. */
static bool mount_small(void)
{
    return mkdir(directory, 0700) == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("small", directory, "tmpfs", 0, "size=512k") == 0;
}

static void a_disk_that_is_really_full_is_full(void **state)
{
    (void)state;
    if (!mount_small())
        skip(); /* who is not root may not */
    thread_pool_free(thread_pool);
    spools_free(spools);
    thread_pool = thread_pool_new(HELPERS); /* they live where they were started */
    spools = spools_new(thread_pool);
    assert_non_null(spools);

    struct owner too_large = make_owner(3 * BLOCK);
    run_owner(&too_large, WHOLE);
    assert_int_equal(spool_fault(too_large.spool), SPOOL_FULL);
    assert_logged("No space left on device");
    thread_pool_settle(thread_pool, loop);
    another_loop();

    struct owner fits = make_owner(2 * BLOCK); /* the other's space is free again */
    run_owner(&fits, WHOLE);
    assert_whole(&fits);
    spool_free(fits.spool);
    spool_free(too_large.spool);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(umount(directory), 0);
}

/* --- every way out ---------------------------------------------------------------------------- */

/* Nobody asks any more: waking it would be a call into what is gone. */
static bool gone;

static void woken_unless_gone(void *context)
{
    (void)context;
    assert_false(gone);
}

static void not_at_all(struct owner *owner)
{
    (void)owner;
}

static void once(struct owner *owner)
{
    fill(owner);
}

/* The last block is under way. */
static void to_the_last(struct owner *owner)
{
    while (!fill(owner) && !owner->ended)
        thread_pool_settle(thread_pool, loop);
}

static void to_the_end(struct owner *owner)
{
    while (!fill(owner))
        thread_pool_settle(thread_pool, loop);
}

static void until_it_is_read(struct owner *owner)
{
    to_the_end(owner);
    assert_int_equal(spool_read(owner->spool, (char[1]){0}, 1), STREAM_WAIT);
}

static void until_half_is_read(struct owner *owner)
{
    until_it_is_read(owner);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(spool_read(owner->spool, (char[1]){0}, 1), 1);
}

/* An errand that is under way here is back only when the loop is settled: after the spool was
 * freed. */
static void its_space_comes_back_on_every_way_out(void **state)
{
    (void)state;
    static const struct {
        void (*bring)(struct owner *owner);
        size_t size;
        uint64_t limit;
        int64_t room; /* on the disk */
        const char *directory;
    } rows[] = {
        {not_at_all, 0, WHOLE, WHOLE, NULL},
        {once, 1000, WHOLE, WHOLE, NULL},              /* not on disk */
        {once, 3 * BLOCK, WHOLE, WHOLE, NULL},         /* being written, */
        {once, 3 * BLOCK, WHOLE, BLOCK / 2, NULL},     /* in vain, */
        {once, 3 * BLOCK, WHOLE, WHOLE, "/none/none"}, /* or not even opened */
        {once, 3 * BLOCK, BLOCK / 2, WHOLE, NULL},     /* over the limit */
        {to_the_last, 3 * BLOCK + 1, WHOLE, WHOLE, NULL},
        {to_the_last, 3 * BLOCK + 1, WHOLE, 3 * BLOCK, NULL},
        {to_the_last, BLOCK + 1, BLOCK, WHOLE, NULL}, /* being let go of */
        {to_the_end, 3 * BLOCK, WHOLE, WHOLE, NULL},
        {until_it_is_read, 3 * BLOCK, WHOLE, WHOLE, NULL},
        {until_half_is_read, 3 * BLOCK, WHOLE, WHOLE, NULL},
    };
    size_t open_before = disk_count("/proc/self/fd");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct owner owner = make_owner(rows[i].size);
        disk.room = rows[i].room;
        disk.error = EIO;
        gone = false;
        owner.spool = spool_new(spools, loop, rows[i].directory ? rows[i].directory : directory,
                                rows[i].limit, woken_unless_gone, NULL);
        assert_non_null(owner.spool);
        rows[i].bring(&owner);
        gone = true;
        spool_free(owner.spool);
        thread_pool_settle(thread_pool, loop);
        assert_int_equal(spools_used(spools), 0);
        assert_int_equal(disk_count("/proc/self/fd"), open_before);
    }
    spool_free(NULL);
}

/* Whoever is woken may have had enough. */
static void free_it(void *context)
{
    struct owner *owner = context;
    spool_free(owner->spool);
    loop_stop(loop);
}

static void it_may_be_freed_when_it_wakes(void **state)
{
    (void)state;
    struct owner owner = make_owner(2 * BLOCK);
    owner.spool = spool_new(spools, loop, directory, WHOLE, free_it, &owner);
    assert_non_null(owner.spool);
    fill(&owner);
    loop_run(loop);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(every_size_comes_back),
        TEST(a_small_one_needs_no_disk),
        TEST(a_disk_that_takes_and_gives_little_at_a_time_is_good),
        TEST(the_limit_is_exact),
        TEST(spools_share_the_limit),
        TEST(many_go_side_by_side),
        TEST(a_disk_that_fails_is_told_as_what_it_is),
        TEST(a_disk_that_cannot_be_read_is_broken),
        TEST(a_directory_that_is_not_there_is_broken),
        TEST(a_disk_that_is_really_full_is_full),
        TEST(its_space_comes_back_on_every_way_out),
        TEST(it_may_be_freed_when_it_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
