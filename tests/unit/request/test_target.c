/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *sent;
    const char *path;
    const char *canonical;
} paths[] = {
    {"/", "/", "/"},
    {"/v2/images", "/v2/images", "/v2/images"},

    /* Escapes: one of them may be any byte but a control character. */
    {"/v2/fil%65", "/v2/file", "/v2/file"},
    {"/v2/fil%2565", "/v2/fil%65", "/v2/fil%2565"},
    {"/v2%2Fimages%2fx", "/v2/images/x", "/v2/images/x"},
    {"/%c3%a4+%2B", "/\xc3\xa4++", "/%C3%A4++"},
    {"/x%3Fy%23z%20%25", "/x?y#z %", "/x%3Fy%23z%20%25"},
    {"/%85%a0", "/\x85\xa0", "/%85%A0"},
    {"/v2/tags/1%2e2", "/v2/tags/1.2", "/v2/tags/1.2"},
    {"/OS%3A%3ACompute%40x%2C;y", "/OS::Compute@x,;y", "/OS::Compute@x,;y"},

    /* Bytes that should have been escaped. */
    {"/\xc3\xbc", "/\xc3\xbc", "/%C3%BC"},
    {"/a\"<>\\^`{|}", "/a\"<>\\^`{|}", "/a%22%3C%3E%5C%5E%60%7B%7C%7D"},

    /* Empty segments go, a slash at the end stays. */
    {"//v2//images///x", "/v2/images/x", "/v2/images/x"},
    {"/v2/images/", "/v2/images/", "/v2/images/"},
    {"/v2/images///", "/v2/images/", "/v2/images/"},
    {"/v2/images%2F", "/v2/images/", "/v2/images/"},
    {"///", "/", "/"},

    /* Dots that are no dot segments. */
    {"/...", "/...", "/..."},
    {"/.v2/..images/a..", "/.v2/..images/a..", "/.v2/..images/a.."},
    {"/v2/%252e", "/v2/%2e", "/v2/%252e"},
};

static const struct {
    const char *sent;
    const char *path;
    const char *canonical;
    const char *authority;
    const char *query;
} forms[] = {
    {"/v2/images?x=y", "/v2/images", "/v2/images?x=y", NULL, "x=y"},
    {"/v2/images?", "/v2/images", "/v2/images?", NULL, ""},
    {"/v%32?a=/../?b&%zz", "/v2", "/v2?a=/../?b&%zz", NULL, "a=/../?b&%zz"},
    {"/v%32%3f?x", "/v2?", "/v2%3F?x", NULL, "x"},
    {"/v2?name=B\xc3\xbcro&{\"x\":1}", "/v2", "/v2?name=B%C3%BCro&{\"x\":1}", NULL,
     "name=B%C3%BCro&{\"x\":1}"},
    {"*", "*", "*", NULL, NULL},
    {"%2A", "/*", "/*", NULL, NULL},
    {"*/x", "/*/x", "/*/x", NULL, NULL},
    {"*?x", "/*", "/*?x", NULL, "x"},
    {"v2/images", "/v2/images", "/v2/images", NULL, NULL},
    {"?x", "/", "/?x", NULL, "x"},
    {"h:80", "/h:80", "/h:80", NULL, NULL},
    {"http://h:9292/v2?x=y", "/v2", "/v2?x=y", "h:9292", "x=y"},
    {"HTTPS://[::1]:9292/%76%32", "/v2", "/v2", "[::1]:9292", NULL},
    {"http://h", "/", "/", "h", NULL},
    {"http://h?x", "/", "/?x", "h", "x"},
    {"http://h/http://i/x", "/http:/i/x", "/http:/i/x", "h", NULL},
    {"ftp://h/v2", "/ftp:/h/v2", "/ftp:/h/v2", NULL, NULL},
};

static const char *const refused[] = {
    "", "http:///v2", "http://user@h/v2", "http://h*",
    /* Bytes that are invalid in a target, or end it for eventlet. */
    "/file#x", "/file?x#y", "/file x", "/file?x y", "/file\t", "/file\x7f", "/file\x85",
    "\xa0/file", "/file?\xc3\xa0",
    /* Malformed escapes; for uWSGI the first two are "/file". */
    "/file%", "/file%6", "/fil%%65", "/%zz", "/%6z", "/file%?5",
    /* Control characters. */
    "/file%00", "/file%0a", "/file%0D", "/file%1f", "/file%7F",
    /* Dot segments, of which uWSGI removes the plain ones. */
    "/.", "/..", "..", "./v2", "/./v2", "/v2/./images", "/v2/images/.", "/v2/x/../images",
    "/v2/images/x/..", "//../v2", "/v2//..", "http://h/..", "/v2/images/%2e/x", "/v2/images/%2e%2E",
    "/v2/images/.%2E/x", "/v2/x%2F../images", "/v2/x/..%2Fimages", "%2e%2e%2fv2", "/v2/.?x",
    /* Another method by the query. */
    "/file?_method=PUT", "/file?a&_method=PUT", "/file?a;%5Fmetho%64=GET", "*?_method"};

enum {
    PATHS = sizeof paths / sizeof *paths,
    FORMS = sizeof forms / sizeof *forms,
    REFUSED = sizeof refused / sizeof *refused
};

static void same(const char *is, const char *wanted)
{
    assert_int_equal(!is, !wanted);
    if (is)
        assert_string_equal(is, wanted);
}

static void path_is_read_as_glance_does_and_canonicalized(void **state)
{
    (void)state;
    for (size_t i = 0; i < PATHS; i++) {
        struct target target;
        same(target_parse(paths[i].sent, &target), NULL);
        same(target.path, paths[i].path);
        same(target.canonical, paths[i].canonical);
        same(target.query, NULL);
        target_free(&target);
    }
}

static void every_form_becomes_the_origin_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        struct target target;
        same(target_parse(forms[i].sent, &target), NULL);
        same(target.path, forms[i].path);
        same(target.canonical, forms[i].canonical);
        same(target.authority, forms[i].authority);
        same(target.query, forms[i].query);
        target_free(&target);
    }
}

static void ambiguous_target_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < REFUSED; i++) {
        struct target target;
        if (!target_parse(refused[i], &target))
            fail_msg("%s is taken for %s", refused[i], target.path);
        assert_null(target.path);
        assert_null(target.canonical);
    }
}

/* The proxy and the next reader must read the same. */
static void canonical_form_is_a_fixed_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < PATHS + FORMS; i++) {
        const char *sent = i < PATHS ? paths[i].sent : forms[i - PATHS].sent;
        struct target target;
        struct target again;
        same(target_parse(sent, &target), NULL);
        same(target_parse(target.canonical, &again), NULL);
        same(again.path, target.path);
        same(again.canonical, target.canonical);
        same(again.query, target.query);
        target_free(&again);
        target_free(&target);
    }
}

static void every_byte_has_one_canonical_form(void **state)
{
    (void)state;
    for (int byte = 0x20; byte < 0x100; byte++) {
        char sent[16];
        struct target target;
        snprintf(sent, sizeof sent, "/x%%%02xx", byte);
        const char *fault = target_parse(sent, &target);
        assert_int_equal(fault != NULL, byte == 0x7f);
        if (!fault) {
            struct target again;
            const char wanted[] = {'/', 'x', (char)byte, 'x', '\0'};
            same(target.path, wanted);
            assert_int_equal(strspn(target.canonical, "!$%&'()*+,-./0123456789:;=@"
                                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                                      "abcdefghijklmnopqrstuvwxyz~"),
                             strlen(target.canonical));
            same(target_parse(target.canonical, &again), NULL);
            same(again.path, wanted);
            target_free(&again);
        }
        target_free(&target);
    }
}

static void an_escape_means_its_byte(void **state)
{
    (void)state;
    static const char path[] = "/v2/images/7ba7a3d1-0df1-4f3e-8f4b-5a7f0e3d9a11/file";
    for (size_t i = 1; path[i]; i++) {
        char sent[2 * sizeof path];
        snprintf(sent, sizeof sent, "%.*s%%%02hhx%s", (int)i, path, path[i], path + i + 1);
        struct target target;
        same(target_parse(sent, &target), NULL);
        same(target.path, path);
        same(target.canonical, path);
        target_free(&target);
    }
}

/* Each piece has its own memory, so that the sanitizer sees a read past its end. */
static void cut_everywhere(const char *sent)
{
    for (size_t length = 0; length <= strlen(sent); length++) {
        char *piece = strndup(sent, length);
        struct target target;
        assert_non_null(piece);
        if (!target_parse(piece, &target))
            assert_true(*target.path == '/' || !strcmp(target.path, "*"));
        target_free(&target);
        free(piece);
    }
}

static void truncated_target_is_not_read_past_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < PATHS; i++)
        cut_everywhere(paths[i].sent);
    for (size_t i = 0; i < FORMS; i++)
        cut_everywhere(forms[i].sent);
    for (size_t i = 0; i < REFUSED; i++)
        cut_everywhere(refused[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_read_as_glance_does_and_canonicalized),
        cmocka_unit_test(every_form_becomes_the_origin_form),
        cmocka_unit_test(ambiguous_target_is_refused),
        cmocka_unit_test(canonical_form_is_a_fixed_point),
        cmocka_unit_test(every_byte_has_one_canonical_form),
        cmocka_unit_test(an_escape_means_its_byte),
        cmocka_unit_test(truncated_target_is_not_read_past_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
