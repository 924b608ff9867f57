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

static const char *own_dir(void **state)
{
    return ((struct scratch *)*state)->dir;
}

static void assert_nameless(int fd, const char *directory)
{
    struct stat status;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_nlink, 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(disk_count(directory), 0);
}

static void file_has_no_name(void **state)
{
    int fd = spool_file_open(own_dir(state));
    assert_nameless(fd, own_dir(state));
    close(fd);
}

static void file_is_unlinked_without_o_tmpfile(void **state)
{
    disk.needs_name = true;
    int fd = spool_file_open(own_dir(state));
    assert_nameless(fd, own_dir(state));
    assert_true(spool_file_write(fd, "abc", 3, 0));
    char back[3];
    assert_true(spool_file_read(fd, back, 3, 0));
    assert_memory_equal(back, "abc", 3);
    close(fd);
}

static void directory_is_created_when_needed(void **state)
{
    const char *directory = scratch_path(state, "new");
    struct stat status;
    int fd = spool_file_open(directory);
    assert_nameless(fd, directory);
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    close(fd);
}

static void only_the_last_path_component_is_created(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/a/b", own_dir(state));
    assert_int_equal(spool_file_open(path), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(spool_file_open(scratch_file(state, "file", "")), -1);
    assert_int_equal(errno, ENOTDIR);
}

static void bytes_are_read_where_they_were_written(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 7, 100};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        char back[10];
        int fd = spool_file_open(own_dir(state));
        disk.piece = pieces[i];
        disk.interrupts = 2;
        assert_true(spool_file_write(fd, "01234", 5, 0));
        assert_true(spool_file_write(fd, "56789", 5, 5));
        assert_int_equal(disk.interrupts, 0);
        disk.interrupts = 2;
        assert_true(spool_file_read(fd, back, 7, 3));
        assert_int_equal(disk.interrupts, 0);
        assert_memory_equal(back, "3456789", 7);
        assert_true(spool_file_read(fd, back, 3, 0));
        assert_memory_equal(back, "012", 3);
        close(fd);
    }
}

static void a_write_that_fails_says_why(void **state)
{
    int fd = spool_file_open(own_dir(state));
    disk.room = 3; /* it takes some, then no more */
    disk.error = ENOSPC;
    errno = 0;
    assert_false(spool_file_write(fd, "01234", 5, 0));
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void read_that_fails_says_why(void **state)
{
    char back[5];
    int fd = spool_file_open(own_dir(state));
    assert_true(spool_file_write(fd, "01234", 5, 0));
    assert_false(spool_file_read(fd, back, 5, 1));
    assert_int_equal(errno, EIO);
    disk.read_error = ESTALE;
    assert_false(spool_file_read(fd, back, 5, 0));
    assert_int_equal(errno, ESTALE);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(file_has_no_name),
        TEST(file_is_unlinked_without_o_tmpfile),
        TEST(directory_is_created_when_needed),
        TEST(only_the_last_path_component_is_created),
        TEST(bytes_are_read_where_they_were_written),
        TEST(a_write_that_fails_says_why),
        TEST(read_that_fails_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
