/* SPDX-License-Identifier: Apache-2.0 */
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

/* --- what is put is what is read -------------------------------------------------------------- */

static void every_size_is_read_back(void **state)
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

static void small_body_stays_in_memory(void **state)
{
    (void)state;
    struct owner owner = make_owner(1000);
    directory = "/proc/nonexistent/none";
    run_owner(&owner, 0);
    assert_whole(&owner);
    spool_free(owner.spool);
}

static void short_reads_and_writes_are_continued(void **state)
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

static void limit_is_exact(void **state)
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

/* Both need two blocks of three: the one that comes last to its second gets none, and its first is
 * released before it is freed. */
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

static void many_spools_run_concurrently(void **state)
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(every_size_is_read_back),
        TEST(small_body_stays_in_memory),
        TEST(short_reads_and_writes_are_continued),
        TEST(limit_is_exact),
        TEST(spools_share_the_limit),
        TEST(many_spools_run_concurrently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
