/* SPDX-License-Identifier: Apache-2.0 */
/* The scan of what an earlier process has kept. */
#include "intake/kept_files.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/resume/kept_directory.h"

static bool never_known(void *context, const char *image)
{
    (void)context;
    (void)image;
    return false;
}

static void count(void *context, const struct kept_facts *facts)
{
    *(unsigned *)context += facts->offset == 40;
}

/* Nobody goes on with the upload before the caller knows it. */
static void expect_locked(void *context, const struct kept_facts *facts)
{
    struct kept_facts again;
    count(context, facts);
    assert_int_equal(reopen(&again), -1);
    assert_int_equal(errno, EWOULDBLOCK);
}

static bool removed_meanwhile(void *context, const char *image)
{
    (void)context;
    kept_file_remove(env.directory, image);
    return false;
}

static void test_scan_tells_while_it_has_the_lock(void **state)
{
    (void)state;
    unsigned found = 0;
    const struct kept_scan scan = {never_known, expect_locked, &found, WINDOW_MS};
    make(40, 77);
    kept_files_scan(env.directory, &scan);
    assert_int_equal(found, 1);
}

/* An upload ends during the scan: nothing is left over, so the log says nothing. */
static void test_scan_of_what_is_removed_meanwhile(void **state)
{
    unsigned found = 0;
    struct stat status;
    const struct kept_scan scan = {removed_meanwhile, count, &found, WINDOW_MS};
    make(40, 77);
    kept_files_scan(env.directory, &scan);
    assert_int_equal(found, 0);
    assert_int_equal(stat(scratch_path(state, "log"), &status), 0);
    assert_int_equal(status.st_size, 0);
}

static void test_scan(void **state)
{
    (void)state;
    unsigned found = 0;
    const struct kept_scan scan = {never_known, count, &found, WINDOW_MS};
    make(40, 77);
    close(openat(env.directory, "alone.state", O_WRONLY | O_CREAT, 0600));
    close(openat(env.directory, "alone.new", O_WRONLY | O_CREAT, 0600));
    close(openat(env.directory, "data-alone.data", O_WRONLY | O_CREAT, 0600));
    close(openat(env.directory, "a note", O_WRONLY | O_CREAT, 0600));
    kept_files_scan(env.directory, &scan);
    assert_int_equal(found, 1);
    assert_int_equal(count_of("alone.state") + count_of("alone.new") + count_of("data-alone.data"),
                     0);
    assert_int_equal(count_of("a note"), 1);
    struct kept_facts facts;
    int fd = reopen(&facts); /* in use: it is not looked at */
    kept_facts_free(&facts);
    kept_files_scan(env.directory, &scan);
    assert_int_equal(found, 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan_tells_while_it_has_the_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan_of_what_is_removed_meanwhile, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
