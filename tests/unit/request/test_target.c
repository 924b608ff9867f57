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
} paths[] = {
    {"/", "/"},
    {"/v2/images", "/v2/images"},

    /* Escapes: one of them may be any byte but a control character. */
    {"/v2/fil%65", "/v2/file"},
    {"/v2/fil%2565", "/v2/fil%65"},
    {"/v2%2Fimages%2fx", "/v2/images/x"},
    {"/%C3%A4+", "/\xc3\xa4+"},
    {"/x%3Fy%23z%20%25", "/x?y#z %"},
    {"/v2/tags/1%2e2", "/v2/tags/1.2"},

    /* Empty segments go, a slash at the end stays. */
    {"//v2//images///x", "/v2/images/x"},
    {"/v2/images/", "/v2/images/"},
    {"/v2/images///", "/v2/images/"},
    {"/v2/images%2F", "/v2/images/"},
    {"///", "/"},

    /* Dot segments, as uWSGI removes them. */
    {"/./v2/./images/.", "/v2/images/"},
    {"/v2/x/../images", "/v2/images"},
    {"/v2/images/..", "/v2/"},
    {"/v2/images/x/../", "/v2/images/"},
    {"/../../v2", "/v2"},
    {"/..", "/"},
    {"/.", "/"},
    {"/...", "/..."},
    {"/.v2/..images/a..", "/.v2/..images/a.."},
    {"//../v2", "/v2"},
    {"/v2//../images", "/v2/images"},         /* an empty segment is taken back like another, */
    {"/v2/x//../../images", "/v2/images"},    /* so this is not "/images" */
    {"/v2/a%2Fb/../../images", "/v2/images"}, /* first "b", then "a" */
};

static const struct {
    const char *sent;
    const char *raw;
    const char *path;
    const char *authority;
    const char *query;
} forms[] = {
    {"/v2/images?x=y", "/v2/images?x=y", "/v2/images", NULL, "x=y"},
    {"/v2/images?", "/v2/images?", "/v2/images", NULL, ""},
    {"/v2?a=/../?b&%zz", "/v2?a=/../?b&%zz", "/v2", NULL, "a=/../?b&%zz"},
    {"/v2//x%2F", "/v2//x%2F", "/v2/x/", NULL, NULL},
    {"*", "*", "*", NULL, NULL},
    {"*/x", "/*/x", "/*/x", NULL, NULL},
    {"v2/images", "/v2/images", "/v2/images", NULL, NULL},
    {"../v2", "/../v2", "/v2", NULL, NULL},
    {"?x", "/?x", "/", NULL, "x"},
    {"h:80", "/h:80", "/h:80", NULL, NULL},
    {"http://h:9292/v2?x=y", "/v2?x=y", "/v2", "h:9292", "x=y"},
    {"HTTPS://[::1]:9292/%76%32", "/%76%32", "/v2", "[::1]:9292", NULL},
    {"http://h", "/", "/", "h", NULL},
    {"http://h?x", "/?x", "/", "h", "x"},
    {"ftp://h/v2", "/ftp://h/v2", "/ftp:/h/v2", NULL, NULL},
};

static const char *const refused[] = {
    "", "http:///v2", "http://user@h/v2",
    /* What is not for a target. */
    "/file#x", "/file?x#y", "/file x", "/file?x y", "/file\t", "/file\x7f", "/\xc3\xa4", "/?\xff",
    /* Malformed escapes; for uWSGI the first two are "/file". */
    "/file%", "/file%6", "/fil%%65", "/%zz", "/%6z", "/file%?5",
    /* Control characters. */
    "/file%00", "/file%0a", "/file%0D", "/file%1f", "/file%7F",
    /* Dot segments that uWSGI leaves in the path, and a plain ".." then takes back. */
    "/v2/images/%2e/x", "/v2/images/%2e%2e/../x", "/v2/images/.%2E/../x", "/v2/x%2F../images",
    "/v2/x/..%2Fimages", "/v2/x%2F.%2Fimages", "/v2/images/x/%2e%2e"};

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

static void a_path_is_read_as_glance_reads_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < PATHS; i++) {
        struct target target;
        same(target_parse(paths[i].sent, &target), NULL);
        same(target.path, paths[i].path);
        same(target.raw, paths[i].sent);
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
        same(target.raw, forms[i].raw);
        same(target.path, forms[i].path);
        same(target.authority, forms[i].authority);
        same(target.query, forms[i].query);
        target_free(&target);
    }
}

static void what_can_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < REFUSED; i++) {
        struct target target;
        if (!target_parse(refused[i], &target))
            fail_msg("%s is taken for %s", refused[i], target.path);
        assert_null(target.raw);
        assert_null(target.path);
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
        same(target.raw, sent);
        target_free(&target);
    }
}

/* Each piece has memory of its own, so that the sanitizer sees a read past its end. */
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

static void a_cut_target_is_not_read_past_its_end(void **state)
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
        cmocka_unit_test(a_path_is_read_as_glance_reads_it),
        cmocka_unit_test(every_form_becomes_the_origin_form),
        cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(an_escape_means_its_byte),
        cmocka_unit_test(a_cut_target_is_not_read_past_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
