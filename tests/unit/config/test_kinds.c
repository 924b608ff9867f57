/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_priv.h"
#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT(member) offsetof(struct settings, member)

static const struct setting debug = {"s", "k", &kind_boolean, AT(debug), "", 0, 0, ""};
static const struct setting workers = {"s", "k", &kind_count, AT(workers), "", 1, 256, ""};
static const struct setting max_size = {"s", "k",  &kind_size, AT(upload.max_size),
                                        "",  1024, 1 << 20,    ""};
static const struct setting drain = {"s", "k", &kind_time, AT(drain_timeout), "", 100, 3600000, ""};
static const struct setting log_file = {"s", "k", &kind_path, AT(log_file), "", 0, 0, ""};
static const struct setting policy = {"s", "k", &kind_path, AT(policy.file), "", 1, 0, ""};
static const struct setting admin = {"s", "k", &kind_bind, AT(admin.bind), "", 0, 0, ""};

/* The value read from the text, as it is printed, or the message about it. */
static const struct {
    const struct setting *row;
    const char *text;
    const char *printed;
    const char *why;
} rows[] = {
    {&debug, "yes", "true", NULL},
    {&debug, "off", "false", NULL},
    {&debug, "maybe", NULL, "'maybe' is not true or false"},
    {&workers, "1", "1", NULL},
    {&workers, "256", "256", NULL},
    {&workers, "0", NULL, "'0' is not a whole number from 1 to 256"},
    {&workers, "257", NULL, "'257' is not a whole number from 1 to 256"},
    {&workers, "4294967297", NULL, "'4294967297' is not a whole number from 1 to 256"},
    {&workers, "many", NULL, "'many' is not a whole number from 1 to 256"},
    {&max_size, "1KiB", "1KiB", NULL},
    {&max_size, "1024 KiB", "1MiB", NULL},
    {&max_size, "1023", NULL, "1023 is not from 1KiB to 1MiB"},
    {&max_size, "2MiB", NULL, "2MiB is not from 1KiB to 1MiB"},
    {&max_size, "2MB", NULL,
     "'2MB' is not a size: a whole number and B, KiB, MiB, GiB or TiB, such as 10GiB"},
    {&drain, "90s", "90s", NULL},
    {&drain, "60m", "1h", NULL},
    {&drain, "99ms", NULL, "99ms is not from 100ms to 1h"},
    {&drain, "5", NULL, "'5' is not a time: a whole number and ms, s, m or h, such as 90s"},
    {&log_file, "/var/log/x", "/var/log/x", NULL},
    {&log_file, "", "", NULL},
    {&policy, "p.yaml", "p.yaml", NULL},
    {&policy, "", NULL, "must be set"},
    {&admin, "127.0.0.1:9294", "127.0.0.1:9294", NULL},
    {&admin, "", "", NULL},
    {&admin, "9294", NULL, "'9294' is not ADDRESS:PORT, such as 0.0.0.0:9292 or [::]:9292"},
};

static void values_are_read_and_printed_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct setting *row = rows[i].row;
        struct settings settings = {0};
        struct buffer text;
        buffer_init(&text, SETTINGS_WHY_MAX);
        bool good = row->kind->read(row, rows[i].text, &settings, &text);
        assert_int_equal(good, rows[i].printed != NULL);
        if (good)
            row->kind->print(row, &settings, &text);
        assert_string_equal(buffer_text(&text), good ? rows[i].printed : rows[i].why);
        if (row->kind->clear)
            row->kind->clear(row, &settings);
        buffer_free(&text);
    }
}

static void a_bad_value_leaves_the_one_before(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct buffer text;
    buffer_init(&text, SETTINGS_WHY_MAX);
    assert_true(kind_bind.read(&admin, "127.0.0.1:9294", &settings, &text));
    assert_true(kind_path.read(&policy, "a", &settings, &text));
    assert_true(kind_time.read(&drain, "1h", &settings, &text));
    assert_false(kind_bind.read(&admin, "127.0.0.1:0", &settings, &text));
    assert_false(kind_path.read(&policy, "", &settings, &text));
    assert_false(kind_time.read(&drain, "2h", &settings, &text));
    assert_string_equal(settings.admin.bind.text, "127.0.0.1:9294");
    assert_string_equal(settings.policy.file, "a");
    assert_int_equal(settings.drain_timeout, 3600000);
    kind_bind.clear(&admin, &settings);
    kind_path.clear(&policy, &settings);
    buffer_free(&text);
}

static void empty_value_clears_the_one_before(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct buffer text;
    buffer_init(&text, SETTINGS_WHY_MAX);
    assert_true(kind_bind.read(&admin, "127.0.0.1:9294", &settings, &text));
    assert_true(kind_path.read(&log_file, "a", &settings, &text));
    assert_true(kind_bind.read(&admin, "", &settings, &text));
    assert_true(kind_path.read(&log_file, "", &settings, &text));
    assert_null(settings.admin.bind.text);
    assert_int_equal(settings.admin.bind.length, 0);
    assert_null(settings.log_file);
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_and_printed_or_refused),
        cmocka_unit_test(a_bad_value_leaves_the_one_before),
        cmocka_unit_test(empty_value_clears_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
