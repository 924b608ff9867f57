/* SPDX-License-Identifier: Apache-2.0 */
/* The files of kept uploads: what is made, found again, and removed. */
#include "intake/kept_files.h"

#include "intake/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/resume/kept_directory.h"

static void assert_gone(void)
{
    struct kept_facts facts;
    assert_int_equal(reopen(&facts), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(count_of(IMAGE ".data") + count_of(IMAGE ".state") + count_of(IMAGE ".new"),
                     0);
}

static void state_is(const char *text)
{
    int fd = openat(env.directory, IMAGE ".state", O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* --- what is found again ------------------------------------------------------------------ */

static void test_facts_come_back(void **state)
{
    (void)state;
    struct kept_facts facts;
    make(40, 77);
    close(openat(env.directory, IMAGE ".new", O_WRONLY | O_CREAT, 0600)); /* killed meanwhile */
    int fd = reopen(&facts);
    assert_true(fd >= 0);
    assert_int_equal(count_of(IMAGE ".new"), 0);
    assert_string_equal(facts.image, IMAGE);
    assert_string_equal(facts.project, "demo");
    assert_null(facts.store);
    assert_string_equal(headers_get(&facts.promises, "Digest"), "md5=x");
    assert_int_equal(facts.length, LENGTH);
    assert_int_equal(facts.offset, 40);
    assert_int_equal(facts.expires_wall_ms, 77);
    kept_facts_free(&facts);
    close(fd);
}

/* One upload at a time, also in one process. A new one begins with nothing. */
static void test_lock(void **state)
{
    (void)state;
    struct kept_facts facts, other = {.image = IMAGE, .length = 9};
    make(40, 77);
    int fd = reopen(&facts);
    assert_int_equal(kept_file_create(env.directory, &other), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    kept_file_drop(env.directory, IMAGE);
    assert_int_equal(count_of(IMAGE ".data"), 1);
    kept_facts_free(&facts);
    close(fd);
    fd = kept_file_create(env.directory, &other);
    close(fd);
    fd = reopen(&facts);
    assert_int_equal(facts.length, 9);
    assert_int_equal(facts.offset, 0);
    kept_facts_free(&facts);
    close(fd);
    kept_file_drop(env.directory, IMAGE);
    assert_gone();
}

/* The process was killed after the last state: the window begins with the last byte. */
static void test_killed_process(void **state)
{
    (void)state;
    struct kept_facts facts;
    make(40, 77);
    int data = openat(env.directory, IMAGE ".data", O_WRONLY | O_APPEND);
    assert_int_equal(write(data, "more", 4), 4);
    close(data);
    int fd = reopen(&facts);
    assert_int_equal(facts.offset, 44);
    assert_in_range(facts.expires_wall_ms, clock_wall_ms() + WINDOW_MS - 10000,
                    clock_wall_ms() + WINDOW_MS);
    kept_facts_free(&facts);
    close(fd);
}

static void test_last_byte_is_not_counted(void **state)
{
    (void)state;
    struct kept_facts facts;
    struct stat status;
    make(LENGTH, 77);
    int fd = reopen(&facts);
    assert_int_equal(facts.offset, LENGTH - 1);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, LENGTH - 1);
    kept_facts_free(&facts);
    close(fd);
}

#define STATE(length, synced, boot)                                                                \
    "{\"version\": 1, \"image\": \"" IMAGE "\", \"length\": " length ", \"synced\": " synced       \
    ", \"expires\": 5, \"boot\": " boot ", \"project\": null, \"store\": null, \"promises\": []}"

static void test_crash_of_the_machine(void **state)
{
    (void)state;
    struct kept_facts facts;
    make(40, 77);
    state_is(STATE("100", "30", "\"another\""));
    int fd = reopen(&facts);
    assert_int_equal(facts.offset, 30);
    kept_facts_free(&facts);
    close(fd);
}

/* --- what is not trusted ------------------------------------------------------------------ */

static void test_faulty_states(void **state)
{
    (void)state;
    static const char *const faulty[] = {
        "",
        "[]",
        "{}",
        "null",
        STATE("0", "0", "\"b\""),
        STATE("-1", "0", "\"b\""),
        STATE("1e2", "0", "\"b\""),
        STATE("100", "101", "\"b\""),
        STATE("100", "-1", "\"b\""),
        STATE("39", "3", "\"b\""),
        STATE("100", "0", "7"),
        STATE("100", "0", "\"b\"") "garbage",
        STATE("99999999999999999999", "0", "\"b\""),
    };
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        make(40, 77);
        state_is(faulty[i]);
        assert_gone();
    }
}

static void test_links_are_not_followed(void **state)
{
    struct stat status;
    const char *outside = scratch_file(state, "outside", "0123456789");
    make(40, 77);
    assert_int_equal(unlinkat(env.directory, IMAGE ".data", 0), 0);
    assert_int_equal(symlinkat(outside, env.directory, IMAGE ".data"), 0);
    assert_gone();
    assert_int_equal(symlinkat(outside, env.directory, IMAGE ".data"), 0);
    make(40, 77);
    assert_int_equal(stat(outside, &status), 0);
    assert_int_equal(status.st_size, 10);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(kept_image_valid(IMAGE));
    assert_false(kept_image_valid(""));
    assert_false(kept_image_valid(".."));
    assert_false(kept_image_valid("a/b"));
    assert_false(kept_image_valid("a.data"));
    char name[KEPT_IMAGE_MAX + 2];
    memset(name, 'a', sizeof name);
    name[KEPT_IMAGE_MAX + 1] = '\0';
    assert_false(kept_image_valid(name));
    assert_true(kept_image_valid(name + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_byte_is_not_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_crash_of_the_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faulty_states, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
