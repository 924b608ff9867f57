/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool_priv.h"

#include "support/disk.h"
#include "support/scratch.h"

#include <setjmp.h>

#include <cmocka.h>

static int begin(void **state)
{
    disk_mend();
    return scratch_begin(state);
}

/* --- the limit ------------------------------------------------------------------------------- */

static void total_never_exceeds_the_limit(void **state)
{
    (void)state;
    struct spools *spools = spools_new(NULL);
    assert_non_null(spools);
    assert_int_equal(spools_used(spools), 0);
    assert_true(spools_reserve(spools, 60, 100));
    assert_false(spools_reserve(spools, 41, 100));
    assert_int_equal(spools_used(spools), 60);
    assert_true(spools_reserve(spools, 40, 100));
    assert_false(spools_reserve(spools, 1, 100));
    assert_false(spools_reserve(spools, 1, 50)); /* lowered by then */
    assert_false(spools_reserve(spools, UINT64_MAX, UINT64_MAX));
    spools_release(spools, 60);
    assert_int_equal(spools_used(spools), 40);
    assert_true(spools_reserve(spools, 60, 100));
    spools_free(spools);
    spools_free(NULL);
}

enum { TAKERS = 4, TIMES = 20000, LIMIT = 10 };

static struct spools *shared;
static atomic_uint too_much;

static void *take_and_give_back(void *context)
{
    (void)context;
    for (int i = 0; i < TIMES; i++) {
        if (!spools_reserve(shared, 3, LIMIT))
            continue;
        too_much += spools_used(shared) > LIMIT;
        spools_release(shared, 3);
    }
    return NULL;
}

static void threads_share_the_limit(void **state)
{
    (void)state;
    pthread_t threads[TAKERS];
    shared = spools_new(NULL);
    assert_non_null(shared);
    too_much = 0;
    for (size_t i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give_back, NULL), 0);
    for (size_t i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(too_much, 0);
    assert_int_equal(spools_used(shared), 0);
    spools_free(shared);
}

/* --- the directory --------------------------------------------------------------------------- */

static void writable_directory_is_good(void **state)
{
    char why[256] = "";
    const char *directory = scratch_dir(state, "spool");
    size_t open_before = disk_count("/proc/self/fd");
    assert_true(spools_try_directory(directory, why, sizeof why));
    assert_string_equal(why, "");
    assert_int_equal(disk_count(directory), 0);
    assert_int_equal(disk_count("/proc/self/fd"), open_before);
}

static void creatable_directory_is_good_and_not_left_behind(void **state)
{
    char why[256] = "";
    const char *directory = scratch_path(state, "new");
    assert_true(spools_try_directory(directory, why, sizeof why));
    assert_int_equal(access(directory, F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

static void problem_of_the_directory_is_reported(void **state)
{
    char below[128];
    snprintf(below, sizeof below, "%s/none", scratch_path(state, "none"));
    const struct {
        const char *directory, *why;
    } rows[] = {
        {below, "cannot be made: No such file or directory"},
        {scratch_file(state, "file", ""), "cannot be written to: Not a directory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[256] = "";
        assert_false(spools_try_directory(rows[i].directory, why, sizeof why));
        assert_string_equal(why, rows[i].why);
    }
}

/* Root may write anywhere, so the test runs this as another user. */
static void unwritable_directory_is_not_good(void **state)
{
    char why[256] = "";
    const char *directory = scratch_dir(state, "spool");
    assert_int_equal(chmod(directory, 0500), 0);
    bool root = geteuid() == 0;
    assert_true(!root ||
                (chmod(((struct scratch *)*state)->dir, 0755) == 0 && seteuid(65534) == 0));
    bool good = spools_try_directory(directory, why, sizeof why);
    assert_true(!root || seteuid(0) == 0);
    assert_false(good);
    assert_string_equal(why, "cannot be written to: Permission denied");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(total_never_exceeds_the_limit),
        TEST(threads_share_the_limit),
        TEST(writable_directory_is_good),
        TEST(creatable_directory_is_good_and_not_left_behind),
        TEST(problem_of_the_directory_is_reported),
        TEST(unwritable_directory_is_not_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
