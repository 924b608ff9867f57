/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are text, a path, or too short. */
#include "support/examined.h"

#include <cmocka.h>

static const struct sparse_body ZEROS = {131072, {{0}}},
                                PATH = {19, {PIECE(0, "/home/me/cirros.img")}},
                                STRIPPED = {8, {PIECE(0, "\xEB\x63\x90\x10\x8E\xD0\xBC\x80")}};

static void small_body_is_suspect_only_as_curl_text(void **state)
{
    (void)state;
    static char bytes[4096];
    memset(bytes, 0xEB, sizeof bytes);
    static const struct {
        size_t count;
        bool suspect;
    } rows[] = {{1, true},     {511, true},  {512, false}, {513, true},
                {3584, false}, {4095, true}, {4096, false}};
    static const struct format_declaration declaration = {
        .disk_format = "raw",
        .container_format = "bare",
        .counts = {[FORMAT_MISMATCH] = true, [FORMAT_UNSAFE] = true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sparse_body body = {rows[i].count, {{0, bytes, rows[i].count}}};
        struct format_examination examination;
        char why[FORMAT_WORDS];
        assert_int_equal(sparse_judge(&body, &declaration, &examination, why),
                         rows[i].suspect ? FORMAT_MISMATCH : FORMAT_GOOD);
        static const char kept[] = {'\0', '\r', '\n'};
        for (size_t k = 0; k < sizeof kept; k++) {
            body.pieces[1] = (struct piece){rows[i].count - 1, &kept[k], 1};
            assert_int_equal(sparse_judge(&body, &declaration, &examination, why), FORMAT_GOOD);
        }
    }
}

static void line_feeds_tell_text_from_stripped_text(void **state)
{
    (void)state;
    static char text[600];
    memset(text, 'x', sizeof text);
    static const struct {
        size_t count;
        enum format_judgement judgement;
    } rows[] = {{1, FORMAT_GOOD},
                {256, FORMAT_GOOD},
                {257, FORMAT_MISMATCH},
                {512, FORMAT_GOOD},
                {600, FORMAT_MISMATCH}};
    static const struct format_declaration declaration = {
        .disk_format = "raw",
        .container_format = "bare",
        .counts = {[FORMAT_MISMATCH] = true, [FORMAT_UNSAFE] = true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sparse_body body = {rows[i].count, {{0, text, rows[i].count}}};
        struct format_examination examination;
        char why[FORMAT_WORDS];
        assert_int_equal(sparse_judge(&body, &declaration, &examination, why), rows[i].judgement);
    }
}

static void only_a_complete_body_is_a_path_or_too_short(void **state)
{
    (void)state;
    static const struct sparse_body *const bodies[] = {&PATH, &STRIPPED};
    static const struct format_declaration declaration = {
        .disk_format = "raw",
        .container_format = "bare",
        .counts = {[FORMAT_MISMATCH] = true, [FORMAT_UNSAFE] = true}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        size_t count;
        char why[FORMAT_WORDS];
        struct format_examination examination;
        unsigned char *opening = sparse_opening(bodies[i], &count);
        format_examine(opening, count, declaration.disk_format, FORMAT_LENGTH_UNKNOWN,
                       &examination);
        assert_int_equal(format_judge(&declaration, &examination, opening, count, true, why),
                         FORMAT_MISMATCH);
        assert_int_equal(format_judge(&declaration, &examination, opening, count, false, why),
                         FORMAT_GOOD);
        free(opening);
    }
}

static void fixed_vhd_is_judged_at_its_end(void **state)
{
    (void)state;
    static const struct format_declaration declaration = {
        .disk_format = "vhd",
        .container_format = "bare",
        .counts = {[FORMAT_MISMATCH] = true, [FORMAT_UNSAFE] = true}};
    struct format_examination examination;
    char why[FORMAT_WORDS];
    size_t count;
    unsigned char *opening = sparse_opening(&ZEROS, &count);
    format_examine(opening, count, declaration.disk_format, FORMAT_LENGTH_UNKNOWN, &examination);
    assert_int_equal(format_judge(&declaration, &examination, opening, count, false, why),
                     FORMAT_GOOD);
    format_examine_more(&examination, opening, examination.next.length);
    assert_int_equal(format_judge(&declaration, &examination, opening, count, false, why),
                     FORMAT_MISMATCH);
    free(opening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_body_is_suspect_only_as_curl_text),
        cmocka_unit_test(line_feeds_tell_text_from_stripped_text),
        cmocka_unit_test(only_a_complete_body_is_a_path_or_too_short),
        cmocka_unit_test(fixed_vhd_is_judged_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
