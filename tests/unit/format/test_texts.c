/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/format/format_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A view of a copy that ends where the text ends. */
static struct view copy_of(const char *text, size_t count)
{
    unsigned char *bytes = malloc(count ? count : 1);
    assert_non_null(bytes);
    memcpy(bytes, text, count);
    return (struct view){bytes, count, false};
}

static void the_text_of_a_path_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *path; /* NULL: it is none */
    } rows[] = {
        {"/home/me/cirros.img", "/home/me/cirros.img"},
        {"/home/me/cirros.img\n", "/home/me/cirros.img"},
        {"/home/me/cirros.img\r\n", "/home/me/cirros.img"},
        {"/home/me/my images/a b", "/home/me/my images/a b"},
        {"C:\\images\\win.qcow2", "C:\\images\\win.qcow2"},
        {"c:/images/win", "c:/images/win"},
        {"\"C:\\images\\win.qcow2\"", "C:\\images\\win.qcow2"},
        {"'/home/me/x'", "/home/me/x"},
        {"\\\\server\\share\\win", "\\\\server\\share\\win"},
        {"cirros.img", "cirros.img"},
        {"CIRROS.IMG", "CIRROS.IMG"},
        {"@cirros.img", "cirros.img"},
        {"@cirros", "cirros"},
        {"file:///x", "file:///x"},
        {"~/x", "~/x"},
        {"./x", "./x"},
        {"../x", "../x"},
        {".\\x", ".\\x"},
        {"/home/m\xC3\xBCller/x", "/home/m\xC3\xBCller/x"},
        {"https://example.org/cirros.img", "https://example.org/cirros.img"},
        {"", NULL},
        {" ", NULL},
        {"@", NULL},
        {"cirros", NULL},
        {" cirros", NULL},
        {"me@cirros", NULL},
        {".img", NULL},
        {"hello, world", NULL},
        {"1:/x", NULL},
        {"C:x", NULL},
        {"/home/me/a.img\n/home/me/b.img", NULL},
        {"/home/me\ta.img", NULL},
        {"/home/me\x01", NULL},
        {"/home/me\xFC", NULL},
        {"#!/bin/sh\nexit\n", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[TEXT_PATH_MAX + 1];
        struct view view = copy_of(rows[i].text, strlen(rows[i].text));
        bool known = text_is_path(&view, path);
        free((void *)view.bytes);
        if (known != (rows[i].path != NULL))
            fail_msg("'%s'", rows[i].text);
        if (known)
            assert_string_equal(path, rows[i].path);
    }
}

static void a_path_has_no_nul_and_a_maximum(void **state)
{
    (void)state;
    char text[TEXT_PATH_MAX + 1];
    char path[TEXT_PATH_MAX + 1];
    memset(text, 'x', sizeof text);
    text[0] = '/';
    struct view view = {(const unsigned char *)text, TEXT_PATH_MAX, false};
    assert_true(text_is_path(&view, path));
    assert_int_equal(strlen(path), TEXT_PATH_MAX);
    view.count++;
    assert_false(text_is_path(&view, path));
    text[1000] = '\0';
    view.count--;
    assert_false(text_is_path(&view, path));
}

static void texts_are_recognized_by_their_beginning(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool html, xml, json, plain;
    } rows[] = {
        {"<!DOCTYPE html>\n<title>404</title>", true, false, false, true},
        {" \r\n<HTML>", true, false, false, true},
        {"<?xml version=\"1.0\"?>", false, true, false, true},
        {"{\"message\": \"no\"}", false, false, true, true},
        {"[]", false, false, true, true},
        {"hello\t\f\r\n", false, false, false, true},
        {"gr\xC3\xBC\xC3\x9F", false, false, false, true},
        {"", false, false, false, false},
        {"{\x01", false, false, false, false},
        {"<html>\xFF", false, false, false, false},
        {"<htm", false, false, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct view view = copy_of(rows[i].text, strlen(rows[i].text));
        assert_int_equal(text_is_html(&view), rows[i].html);
        assert_int_equal(text_is_xml(&view), rows[i].xml);
        assert_int_equal(text_is_json(&view), rows[i].json);
        assert_int_equal(text_is_plain(&view), rows[i].plain);
        free((void *)view.bytes);
    }
}

static void sample_may_end_within_a_character(void **state)
{
    (void)state;
    enum { SAMPLE = 512 };
    char text[2 * SAMPLE];
    static const char wide[] = {'\xF0', '\x9F', '\x92', '\xBE'}; /* one character */
    for (size_t at = SAMPLE - sizeof wide; at <= SAMPLE; at++) {
        memset(text, 'x', sizeof text);
        memcpy(text + at, wide, sizeof wide);
        struct view view = copy_of(text, sizeof text);
        assert_true(text_is_plain(&view));
        free((void *)view.bytes);
    }
    text[SAMPLE - 5] = '\x01';
    struct view view = copy_of(text, sizeof text);
    assert_false(text_is_plain(&view));
    free((void *)view.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_a_path_is_known),
        cmocka_unit_test(a_path_has_no_nul_and_a_maximum),
        cmocka_unit_test(texts_are_recognized_by_their_beginning),
        cmocka_unit_test(sample_may_end_within_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
