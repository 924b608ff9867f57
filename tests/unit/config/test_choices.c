/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_priv.h"
#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define AT(member) offsetof(struct settings, member)

static const struct setting log_format = {"s", "k", &kind_log_format, AT(log_format), "", 0, 0, ""};
static const struct setting access_log = {"s", "k", &kind_access_log, AT(access_log), "", 0, 0, ""};
static const struct setting length = {
    "s", "k", &kind_unknown_length, AT(upload.unknown_length), "", 0, 0, ""};
static const struct setting header = {
    "s", "k", &kind_forwarded_header, AT(listen.forwarded_header), "", 0, 0, ""};
static const struct setting glance_checks = {
    "s", "k", &kind_glance_checks, AT(upload.glance_checks), "", 0, 0, ""};
static const struct setting damaged = {
    "s", "k", &kind_check_level, AT(upload.checks.damaged), "", 0, 0, ""};
static const struct setting compressed = {
    "s", "k", &kind_compressed, AT(upload.checks.compressed), "", 0, 0, ""};
static const struct setting type = {
    "s", "k", &kind_content_type, AT(upload.fix_content_type), "", 0, 0, ""};
static const struct setting multipart = {
    "s", "k", &kind_multipart, AT(upload.unwrap_multipart), "", 0, 0, ""};
static const struct setting verify = {"s", "k", &kind_verify, AT(upload.verify), "", 0, 0, ""};
static const struct setting quota = {"s", "k", &kind_quota, AT(upload.check_quota), "", 0, 0, ""};

/* The value of a word: in its row's member, and nowhere else. */
static const struct {
    const struct setting *row;
    const char *word;
    struct settings meant;
} words[] = {
    {&log_format, "text", {.log_format = LOG_FORMAT_TEXT}},
    {&log_format, "json", {.log_format = LOG_FORMAT_JSON}},
    {&access_log, "off", {.access_log = ACCESS_LOG_OFF}},
    {&access_log, "uploads", {.access_log = ACCESS_LOG_UPLOADS}},
    {&access_log, "all", {.access_log = ACCESS_LOG_ALL}},
    {&length, "spool", {.upload.unknown_length = UNKNOWN_LENGTH_SPOOL}},
    {&length, "stream", {.upload.unknown_length = UNKNOWN_LENGTH_STREAM}},
    {&length, "reject", {.upload.unknown_length = UNKNOWN_LENGTH_REJECT}},
    {&header, "x-forwarded-for", {.listen.forwarded_header = FORWARDED_HEADER_X_FORWARDED_FOR}},
    {&header, "forwarded", {.listen.forwarded_header = FORWARDED_HEADER_FORWARDED}},
    {&damaged, "off", {.upload.checks.damaged = CHECK_OFF}},
    {&damaged, "warn", {.upload.checks.damaged = CHECK_WARN}},
    {&damaged, "reject", {.upload.checks.damaged = CHECK_REJECT}},
    {&compressed, "off", {.upload.checks.compressed = CHECK_OFF}},
    {&compressed, "warn", {.upload.checks.compressed = CHECK_WARN}},
    {&compressed, "reject", {.upload.checks.compressed = CHECK_REJECT}},
    {&compressed, "decompress", {.upload.checks.compressed = CHECK_DECOMPRESS}},
    {&glance_checks, "auto", {.upload.glance_checks = GLANCE_CHECKS_AUTO}},
    {&glance_checks, "on", {.upload.glance_checks = GLANCE_CHECKS_ON}},
    {&glance_checks, "off", {.upload.glance_checks = GLANCE_CHECKS_OFF}},
    {&verify, "off", {.upload.verify = VERIFY_OFF}},
    {&verify, "size", {.upload.verify = VERIFY_SIZE}},
    {&verify, "digest", {.upload.verify = VERIFY_DIGEST}},
    {&type, "fix", {.upload.fix_content_type = true}},
    {&type, "strict", {.upload.fix_content_type = false}},
    {&multipart, "unwrap", {.upload.unwrap_multipart = true}},
    {&multipart, "reject", {.upload.unwrap_multipart = false}},
    {&quota, "check", {.upload.check_quota = true}},
    {&quota, "off", {.upload.check_quota = false}},
};

static void expect_settings(const struct settings *is, const struct settings *meant)
{
    assert_int_equal(is->log_format, meant->log_format);
    assert_int_equal(is->listen.forwarded_header, meant->listen.forwarded_header);
    assert_int_equal(is->upload.unknown_length, meant->upload.unknown_length);
    assert_int_equal(is->upload.checks.damaged, meant->upload.checks.damaged);
    assert_int_equal(is->upload.glance_checks, meant->upload.glance_checks);
    assert_int_equal(is->upload.verify, meant->upload.verify);
    assert_int_equal(is->upload.fix_content_type, meant->upload.fix_content_type);
    assert_int_equal(is->upload.unwrap_multipart, meant->upload.unwrap_multipart);
    assert_int_equal(is->upload.check_quota, meant->upload.check_quota);
}

static void each_word_is_read_and_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const struct setting *row = words[i].row;
        struct settings settings = {0};
        struct buffer text;
        buffer_init(&text, SETTINGS_WHY_MAX);
        assert_true(row->kind->read(row, words[i].word, &settings, &text));
        expect_settings(&settings, &words[i].meant);
        row->kind->print(row, &settings, &text);
        assert_string_equal(buffer_text(&text), words[i].word);
        buffer_free(&text);
    }
}

static void unknown_word_is_refused_with_the_valid_ones(void **state)
{
    (void)state;
    static const struct {
        const struct setting *row;
        const char *text;
        const char *why;
    } rows[] = {
        {&log_format, "JSON", "'JSON' is not text or json"},
        {&length, "chunked", "'chunked' is not spool, stream or reject"},
        {&damaged, "", "'' is not off, warn or reject"},
        {&damaged, "true", "'true' is not off, warn or reject"},
        {&verify, "sha512", "'sha512' is not off, size or digest"},
        {&type, "yes", "'yes' is not strict or fix"},
        {&multipart, "unwra", "'unwra' is not reject or unwrap"},
        {&multipart, "unwrapped", "'unwrapped' is not reject or unwrap"},
        {&quota, "true", "'true' is not off or check"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct settings before = {.log_format = LOG_FORMAT_JSON,
                                        .upload = {.unknown_length = UNKNOWN_LENGTH_REJECT,
                                                   .checks.damaged = CHECK_WARN,
                                                   .verify = VERIFY_SIZE,
                                                   .fix_content_type = true,
                                                   .unwrap_multipart = true,
                                                   .check_quota = true}};
        struct settings settings = before;
        struct buffer why;
        buffer_init(&why, SETTINGS_WHY_MAX);
        assert_false(rows[i].row->kind->read(rows[i].row, rows[i].text, &settings, &why));
        assert_string_equal(buffer_text(&why), rows[i].why);
        expect_settings(&settings, &before);
        buffer_free(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_is_read_and_printed),
        cmocka_unit_test(unknown_word_is_refused_with_the_valid_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
