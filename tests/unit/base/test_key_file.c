/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/key_file.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void check_key(const char *path, const char *key, const char *fault)
{
    char got[KEY_MAX + 1] = "untouched";
    char why[256] = "";
    assert_int_equal(key_file_read(path, got, why, sizeof why), key != NULL);
    assert_string_equal(got, key ? key : "untouched");
    assert_string_equal(why, fault ? fault : "");
}

static void a_key_is_one_word(void **state)
{
    static const struct {
        const char *text, *key, *fault;
    } rows[] = {
        {"secret", "secret", NULL},
        {"secret\n", "secret", NULL},
        {"secret \t\r\n\n", "secret", NULL},
        {"a/b+c=:;", "a/b+c=:;", NULL},
        {"", NULL, "is empty"},
        {" \n", NULL, "is empty"},
        {" secret\n", NULL, "has more in it than one word"},
        {"access secret\n", NULL, "has more in it than one word"},
        {"access\nsecret\n", NULL, "has more in it than one word"},
        {"secr\xc3\xa9t\n", NULL, "has more in it than one word"},
        {"secret\x7f", NULL, "has more in it than one word"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_key(scratch_file(state, "key", rows[i].text), rows[i].key, rows[i].fault);
    check_key(scratch_write(state, "key", "a\0b", 3), NULL, "has more in it than one word");
}

static void a_key_has_a_maximum(void **state)
{
    char text[KEY_MAX + 2];
    memset(text, 'k', sizeof text);
    text[KEY_MAX] = '\0';
    check_key(scratch_file(state, "key", text), text, NULL);
    check_key(scratch_write(state, "key", memset(text, 'k', sizeof text), KEY_MAX + 1), NULL,
              "is too long for a key");
}

static void only_a_file_is_read(void **state)
{
    check_key(scratch_path(state, "absent"), NULL, "cannot be read: No such file or directory");
    check_key(scratch_dir(state, "directory"), NULL, "cannot be read: not a file");
    const char *fifo = scratch_path(state, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    check_key(fifo, NULL, "cannot be read: not a file"); /* without waiting for a writer */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_one_word),
        TEST(a_key_has_a_maximum),
        TEST(only_a_file_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
