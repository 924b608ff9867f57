/* SPDX-License-Identifier: Apache-2.0 */
/* The files of kept uploads: what is made, found again, and removed. */
#include "intake/kept_files.h"

#include "intake/clock.h"
#include "intake/log.h"

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

#include "support/scratch.h"

#define IMAGE "6bd7d59b-51fa-4df9-9808-147a25abc8cf"

enum { LENGTH = 100, WINDOW_MS = 60000 };

static struct {
    const char *spool_dir;
    int directory;
} env;

static int set_up(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    env.spool_dir = scratch_path(state, "spool");
    env.directory = kept_directory_open(env.spool_dir, true);
    return env.directory >= 0 && log_open(LOG_FORMAT_TEXT, false, scratch_path(state, "log")) ? 0
                                                                                              : -1;
}

static int tear_down(void **state)
{
    close(env.directory);
    log_open(LOG_FORMAT_TEXT, false, NULL);
    return scratch_end(state);
}

/* An upload that has `size` bytes, and is in no use. */
static void make(size_t size, uint64_t expires)
{
    struct kept_facts facts = {
        .image = IMAGE, .length = LENGTH, .expires_wall_ms = expires, .project = "demo"};
    char bytes[LENGTH] = "";
    assert_true(headers_add(&facts.promises, "Digest", "md5=x"));
    int fd = kept_file_create(env.directory, &facts);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_true(kept_file_save(env.directory, fd, &facts));
    close(fd);
    headers_free(&facts.promises);
}

static int reopen(struct kept_facts *facts)
{
    return kept_file_open(env.directory, IMAGE, WINDOW_MS, facts);
}

static size_t count_of(const char *name)
{
    struct stat status;
    return fstatat(env.directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

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

/* --- the scan ----------------------------------------------------------------------------- */

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
        cmocka_unit_test_setup_teardown(test_facts_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_byte_is_not_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_crash_of_the_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faulty_states, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan_tells_while_it_has_the_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan_of_what_is_removed_meanwhile, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
