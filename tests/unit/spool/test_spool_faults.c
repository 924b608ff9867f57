/* SPDX-License-Identifier: Apache-2.0 */
/* Disks that fail, and the ways in which a spool may end. */
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

#include "spool_owner.h"

/* --- a disk that fails ------------------------------------------------------------------------ */

static void failing_disk_is_reported_by_its_cause(void **state)
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
            assert_int_equal(spool_written(owner.spool), capacity[j] / BLOCK * BLOCK);
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

/* Only root may mount. For others the disk of support/disk.h is as small. */
static bool make_disk_small(void)
{
    enum { ROOM = 512 * 1024 };
    bool mounted = mount_small();
    disk.room = mounted ? INT64_MAX : ROOM;
    disk.error = ENOSPC;
    return mounted;
}

static void full_filesystem_is_reported_full(void **state)
{
    (void)state;
    bool mounted = make_disk_small();
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
    if (!mounted)
        disk_mend();
    run_owner(&fits, WHOLE);
    assert_whole(&fits);
    spool_free(fits.spool);
    spool_free(too_large.spool);
    thread_pool_settle(thread_pool, loop);
    if (mounted)
        assert_int_equal(umount(directory), 0);
}

/* --- every way out ---------------------------------------------------------------------------- */

/* Nobody waits any more: waking the owner would call into freed memory. */
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

/* A job that is running here is back only when the loop is settled, after the spool was freed. */
static void space_is_released_on_every_way_out(void **state)
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

/* The woken owner may free it. */
static void free_it(void *context)
{
    struct owner *owner = context;
    spool_free(owner->spool);
    loop_stop(loop);
}

static void spool_can_be_freed_on_wake_up(void **state)
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
        TEST(failing_disk_is_reported_by_its_cause),   TEST(a_disk_that_cannot_be_read_is_broken),
        TEST(a_directory_that_is_not_there_is_broken), TEST(full_filesystem_is_reported_full),
        TEST(space_is_released_on_every_way_out),      TEST(spool_can_be_freed_on_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
