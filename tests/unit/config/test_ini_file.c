/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_priv.h"
#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* The keys found, as "LINE [section]" and "LINE key=value", joined by blanks. */
static void note_section(void *context, int line, const char *name)
{
    assert_true(buffer_print(context, "%d [%s] ", line, name));
}

static void note_key(void *context, int line, const char *key, const char *value)
{
    assert_true(buffer_print(context, "%d %s=%s ", line, key, value));
}

static void check(void **state, const char *bytes, size_t count, const char *told,
                  const char *problem)
{
    struct diagnostics diagnostics = {0};
    struct buffer out;
    buffer_init(&out, 65536);
    const char *path = scratch_write(state, "x.conf", bytes, count);
    const struct ini_visitor visitor = {note_section, note_key, &out};
    ini_file_read(path, false, &visitor, &diagnostics);
    assert_string_equal(buffer_text(&out), told);
    assert_int_equal(diagnostics.count, problem ? 1 : 0);
    if (problem)
        assert_string_equal(diagnostics.lines[0] + strlen(path), problem);
    diagnostics_free(&diagnostics);
    buffer_free(&out);
}

static void check_text(void **state, const char *text, const char *told, const char *problem)
{
    check(state, text, strlen(text), told, problem);
}

static void keys_and_sections_come_with_their_lines(void **state)
{
    check_text(state, "[a]\nk = v\n\n[b]\nl=w x\nm =\n", "1 [a] 2 k=v 4 [b] 5 l=w x 6 m= ", NULL);
    check_text(state, "[a]\r\nk = v\r\n", "1 [a] 2 k=v ", NULL);
    check_text(state, "[a]\nk = v", "1 [a] 2 k=v ", NULL);
    check_text(state, "k = v\n", "1 k=v ", NULL);
    check_text(state, "", "", NULL);
    check_text(state, "\xef\xbb\xbf[a]\nk: v\n", "1 [a] 2 k=v ", NULL);
}

static void comments_stand_alone_or_behind_a_blank(void **state)
{
    check_text(state, "# c\n; c\n  # c = d\n[a] # c\nk = v # c\nl = w\t; c\n", "4 [a] 5 k=v 6 l=w ",
               NULL);
    check_text(state, "[a]\nk =    # nothing\nl = a#b;c\n", "1 [a] 2 k= 3 l=a#b;c ", NULL);
}

static void an_indented_key_is_a_key(void **state)
{
    check_text(state, "[a]\nk = v\n  l = w\n", "1 [a] 2 k=v 3 l=w ", NULL);
}

static void a_value_may_have_colons_brackets_and_equals_signs(void **state)
{
    check_text(state, "[a]\nbind = [::]:9292\nu = http://h:1/?a=b\n",
               "1 [a] 2 bind=[::]:9292 3 u=http://h:1/?a=b ", NULL);
}

static void malformed_line_is_reported(void **state)
{
    check_text(state, "[a]\nhello\nk = v\n", "1 [a] 3 k=v ",
               ":2: neither a [section] nor key = value");
    check_text(state, "[a]\nhello", "1 [a] ", ":2: neither a [section] nor key = value");
    check_text(state, "[a]\nk # = v\n", "1 [a] ", ":2: neither a [section] nor key = value");
}

static void keys_of_a_bad_section_belong_to_no_other(void **state)
{
    check_text(state, "[a]\n[b\nk = v\n[c]\nl = w\n", "1 [a] 4 [c] 5 l=w ", ":2: not a [section]");
    check_text(state, "[a]\n[]\nk = v\n", "1 [a] ", ":2: not a [section]");
    check_text(state, "[a] b = c\nk = v\n", "", ":1: not a [section]");
    check_text(state, "[a;b]\nk = v\n", "", ":1: not a [section]");
}

static void lines_have_a_maximum_and_no_nul(void **state)
{
    struct buffer text;
    buffer_init(&text, 65536);
    assert_true(buffer_print(&text, "[a]\n%0*d\nk = v\n", SETTINGS_LINE_MAX, 0));
    check(state, text.data, text.len, "1 [a] 3 k=v ",
          ":2: the line is longer than 4095 bytes or has a NUL in it");
    buffer_free(&text);
    check(state, "[a]\nk\0 = v\nl = w\n", 17, "1 [a] 3 l=w ",
          ":2: the line is longer than 4095 bytes or has a NUL in it");
}

static void every_bad_line_is_reported(void **state)
{
    struct diagnostics diagnostics = {0};
    struct buffer out;
    buffer_init(&out, 1000);
    const char *path = scratch_file(state, "x.conf", "one\n[a\ntwo\n[b]\nthree\nk = v\n");
    const struct ini_visitor visitor = {note_section, note_key, &out};
    ini_file_read(path, false, &visitor, &diagnostics);
    assert_int_equal(diagnostics.count, 4);
    assert_string_equal(buffer_text(&out), "4 [b] 6 k=v ");
    diagnostics_free(&diagnostics);
    buffer_free(&out);
}

static void a_file_may_be_allowed_to_be_absent(void **state)
{
    struct diagnostics diagnostics = {0};
    const struct ini_visitor visitor = {note_section, note_key, NULL};
    const char *absent = scratch_path(state, "absent.conf");
    ini_file_read(absent, true, &visitor, &diagnostics);
    assert_int_equal(diagnostics.count, 0);
    ini_file_read(absent, false, &visitor, &diagnostics);
    assert_int_equal(diagnostics.count, 1);
    assert_string_equal(diagnostics.lines[0] + strlen(absent),
                        ": cannot be opened: No such file or directory");
    diagnostics_free(&diagnostics);
    ini_file_read(scratch_dir(state, "d"), true, &visitor, &diagnostics);
    assert_int_equal(diagnostics.count, 1);
    diagnostics_free(&diagnostics);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(keys_and_sections_come_with_their_lines),
        TEST(comments_stand_alone_or_behind_a_blank),
        TEST(an_indented_key_is_a_key),
        TEST(a_value_may_have_colons_brackets_and_equals_signs),
        TEST(malformed_line_is_reported),
        TEST(keys_of_a_bad_section_belong_to_no_other),
        TEST(lines_have_a_maximum_and_no_nul),
        TEST(every_bad_line_is_reported),
        TEST(a_file_may_be_allowed_to_be_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
