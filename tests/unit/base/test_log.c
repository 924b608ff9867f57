/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/log.h"

#include <jansson.h>
#include <limits.h>
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

static char path[] = "/tmp/test-log-XXXXXX";
static char content[1 << 16];

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* Begins a new file in this format. */
static void begin(enum log_format format, bool debug)
{
    assert_int_equal(truncate(path, 0), 0);
    assert_true(log_open(format, debug, path));
}

static const char *written(void)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    (void)fclose(file);
    return content;
}

static size_t lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* After the time, whose length is fixed. */
static const char *after_time(const char *line)
{
    assert_true(strlen(line) > strlen("2026-01-31T12:00:00.000Z "));
    return line + strlen("2026-01-31T12:00:00.000Z ");
}

static const struct {
    const char *value;
    const char *shown;
} VALUES[] = {
    {"test", "test"},
    {"", "\"\""},
    {"two words", "\"two words\""},
    {"a=b", "\"a=b\""},
    {"say \"hi\"", "\"say \\\"hi\\\"\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"x\n2026-01-31T12:00:00.000Z ERROR forged", "\"x\\n2026-01-31T12:00:00.000Z ERROR forged\""},
    {"\x1b[31m\r", "\\x1b[31m\\x0d"},
    {"gr\xC3\xBCn", "gr\xC3\xBCn"},
    {"\xFC\xC2\x85", "\\xfc\\xc2\\x85"},
};

static void text_values_are_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        begin(LOG_FORMAT_TEXT, false);
        const struct log_field field = {.name = "rule", .text = VALUES[i].value};
        log_event(LOG_LEVEL_INFO, "upload", &field, 1);
        char wanted[256];
        snprintf(wanted, sizeof wanted, "INFO upload rule=%s\n", VALUES[i].shown);
        assert_string_equal(after_time(written()), wanted);
    }
}

static void text_numbers_are_plain(void **state)
{
    (void)state;
    begin(LOG_FORMAT_TEXT, false);
    const struct log_field fields[] = {
        {.name = "bytes", .is_number = true, .number = 21474836480.0},
        {.name = "seconds", .is_number = true, .number = 1.23456},
        {.name = "store"}, /* not known: left out */
    };
    log_event(LOG_LEVEL_WARNING, "upload", fields, 3);
    assert_string_equal(after_time(written()), "WARNING upload bytes=21474836480 seconds=1.235\n");
}

static void json_values_are_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        begin(LOG_FORMAT_JSON, false);
        const struct log_field fields[] = {
            {.name = "rule", .text = VALUES[i].value},
            {.name = "bytes", .is_number = true, .number = 7},
        };
        log_event(LOG_LEVEL_ERROR, "upload", fields, 2);
        assert_int_equal(lines(written()), 1);
        json_t *line = json_loads(content, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(line);
        assert_string_equal(json_string_value(json_object_get(line, "event")), "upload");
        assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
        assert_int_equal(json_integer_value(json_object_get(line, "bytes")), 7);
        const char *rule = json_string_value(json_object_get(line, "rule"));
        if ((unsigned char)VALUES[i].value[0] != 0xFC) /* not UTF-8: cannot come back */
            assert_string_equal(rule, VALUES[i].value);
        else
            assert_string_equal(rule, "\xC3\xBC\xC3\x82\xC2\x85");
        json_decref(line);
    }
}

static void message_cannot_forge_a_line(void **state)
{
    (void)state;
    begin(LOG_FORMAT_TEXT, false);
    log_say(LOG_LEVEL_INFO, "no store %s", "x\nforged \\n");
    assert_string_equal(after_time(written()), "INFO no store x\\nforged \\\\n\n");

    begin(LOG_FORMAT_JSON, false);
    log_say(LOG_LEVEL_INFO, "no store %s", "\"}\n{\"level\": \"error");
    json_t *line = json_loads(written(), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(line, "message")),
                        "no store \"}\n{\"level\": \"error");
    json_decref(line);
}

/* 5000 characters that need 6 each: cut, yet one whole line in either format. */
static void long_lines_are_cut(void **state)
{
    (void)state;
    char *text = malloc(5001);
    assert_non_null(text);
    memset(text, '\x01', 5000);
    text[5000] = '\0';
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        begin((enum log_format)format, false);
        log_say(LOG_LEVEL_INFO, "%s", text);
        assert_int_equal(lines(written()), 1);
        assert_in_range(strlen(content), 3000, PIPE_BUF);
    }
    const struct log_field fields[] = {{.name = "fixes", .text = text},
                                       {.name = "verdict", .text = "stored"}};
    begin(LOG_FORMAT_JSON, false);
    log_event(LOG_LEVEL_INFO, "upload", fields, 2);
    json_t *line = json_loads(written(), 0, NULL);
    assert_null(json_object_get(line, "fixes"));
    assert_string_equal(json_string_value(json_object_get(line, "verdict")), "stored");
    json_decref(line);
    free(text);
}

static void level_below_threshold_is_dropped(void **state)
{
    (void)state;
    begin(LOG_FORMAT_TEXT, false);
    assert_false(log_debug_wanted());
    log_say(LOG_LEVEL_DEBUG, "quiet");
    assert_string_equal(written(), "");
    begin(LOG_FORMAT_TEXT, true);
    assert_true(log_debug_wanted());
    log_say(LOG_LEVEL_DEBUG, "loud");
    assert_string_equal(after_time(written()), "DEBUG loud\n");
}

static void rotated_file_is_reopened(void **state)
{
    (void)state;
    char rotated[sizeof path + 2];
    begin(LOG_FORMAT_TEXT, false);
    log_say(LOG_LEVEL_INFO, "before");
    snprintf(rotated, sizeof rotated, "%s.1", path);
    assert_int_equal(rename(path, rotated), 0);
    log_say(LOG_LEVEL_INFO, "still the old file");
    assert_true(log_open(LOG_FORMAT_TEXT, false, path));
    log_say(LOG_LEVEL_INFO, "after");
    assert_int_equal(lines(written()), 1);
    assert_string_equal(after_time(content), "INFO after\n");
    assert_int_equal(unlink(rotated), 0);
}

static unsigned mode_of_log(void)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

/* Also a file that is new after a rotation. */
static void new_file_can_be_read_by_its_group(void **state)
{
    (void)state;
    mode_t before = umask(0077);
    assert_int_equal(unlink(path), 0);
    assert_true(log_open(LOG_FORMAT_TEXT, false, path));
    assert_int_equal(mode_of_log(), 0640);
    umask(before);
}

static void existing_file_keeps_its_mode(void **state)
{
    (void)state;
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(log_open(LOG_FORMAT_TEXT, false, path));
    assert_int_equal(mode_of_log(), 0600);
}

static void message_about_a_request_names_it(void **state)
{
    (void)state;
    const struct log_subject all = {.request_id = "req-1", .trace_id = "4bf9"};
    begin(LOG_FORMAT_TEXT, false);
    log_say_about(LOG_LEVEL_WARNING, &all, "Glance: 50% \n");
    assert_string_equal(after_time(written()), "WARNING req-1: Glance: 50% \\n trace_id=4bf9\n");
    begin(LOG_FORMAT_TEXT, false);
    log_say_about(LOG_LEVEL_INFO, &(struct log_subject){.request_id = "r\n", .trace_id = ""}, "m");
    assert_string_equal(after_time(written()), "INFO r\\n: m\n");
    begin(LOG_FORMAT_JSON, false);
    log_say_about(LOG_LEVEL_INFO, &all, "a \"b\"");
    assert_non_null(strstr(written(), "\"level\": \"info\", \"request_id\": \"req-1\", "
                                      "\"trace_id\": \"4bf9\", \"message\": \"a \\\"b\\\"\"}\n"));
    begin(LOG_FORMAT_TEXT, false);
    log_say_about(LOG_LEVEL_DEBUG, &all, "quiet");
    assert_string_equal(written(), "");
}

static void bad_path_keeps_the_old_file(void **state)
{
    (void)state;
    begin(LOG_FORMAT_TEXT, false);
    assert_false(log_open(LOG_FORMAT_JSON, true, "/no/such/folder/log"));
    log_say(LOG_LEVEL_INFO, "here");
    assert_string_equal(after_time(written()), "INFO here\n");
}

/* And back to standard error, without closing it. */
static void log_without_a_file_goes_to_stderr(void **state)
{
    (void)state;
    begin(LOG_FORMAT_TEXT, false);
    assert_true(log_open(LOG_FORMAT_TEXT, false, NULL));
    log_say(LOG_LEVEL_INFO, "to standard error");
    assert_string_equal(written(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_values_are_quoted),
        cmocka_unit_test(text_numbers_are_plain),
        cmocka_unit_test(json_values_are_escaped),
        cmocka_unit_test(message_cannot_forge_a_line),
        cmocka_unit_test(message_about_a_request_names_it),
        cmocka_unit_test(new_file_can_be_read_by_its_group),
        cmocka_unit_test(existing_file_keeps_its_mode),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(level_below_threshold_is_dropped),
        cmocka_unit_test(rotated_file_is_reopened),
        cmocka_unit_test(bad_path_keeps_the_old_file),
        cmocka_unit_test(log_without_a_file_goes_to_stderr),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
