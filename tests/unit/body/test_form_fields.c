/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/form_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TYPE       "multipart/form-data; boundary=B"
#define FIELD(n)   "Content-Disposition: form-data; name=\"" n "\"\r\n\r\n"
#define FILE_AS(n) "Content-Disposition: form-data; name=\"file\"; filename=\"" n "\"\r\n\r\n"

static char told[256];

static const char *field(void *context, const char *name, const char *value)
{
    (void)context;
    size_t length = strlen(told);
    snprintf(told + length, sizeof told - length, "%s=%s;", name, value);
    return strcmp(name, "bad") == 0 ? "it is bad" : NULL;
}

static const char *file(void *context, const char *filename)
{
    (void)context;
    size_t length = strlen(told);
    snprintf(told + length, sizeof told - length, "file %s", filename);
    return NULL;
}

static const char *read(const char *body, size_t count)
{
    const struct form_visitor visitor = {.field = field, .file = file};
    told[0] = '\0';
    return form_fields_read(TYPE, body, count, &visitor);
}

static void fields_before_the_file_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *body, *told;
    } rows[] = {
        {"--B\r\n" FILE_AS("a.img") "QFI\xfb", "file a.img"},
        {"--B\r\n" FIELD("name") "x\r\n--B\r\n" FIELD("tag") "\r\n--B\r\n" FILE_AS("a"),
         "name=x;tag=;file a"},
        {"preamble\r\n--B  \r\n" FIELD("name") "x\r\ny\r\n--B\r\n" FILE_AS("caf\xc3\xa9"),
         "name=x\r\ny;file caf\xc3\xa9"},
        {"--B\r\n" FILE_AS("a") "\r\n--B\r\n" FIELD("after") "x\r\n--B--\r\n", "file a"},
        {"--B\r\nContent-Disposition: form-data; filename*=UTF-8''b%20c; name=file\r\n\r\n",
         "file b c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(read(rows[i].body, strlen(rows[i].body)));
        assert_string_equal(told, rows[i].told);
    }
}

static void faults_end_the_reading(void **state)
{
    (void)state;
    static const char nul[] = "--B\r\n" FIELD("name") "x\0y\r\n--B\r\n" FILE_AS("a");
    static const char bad[] = "--B\r\n" FIELD("bad") "x\r\n--B\r\n" FILE_AS("a");
    assert_string_equal(read(bad, sizeof bad - 1), "it is bad");
    assert_string_equal(told, "bad=x;");
    assert_non_null(strstr(read(nul, sizeof nul - 1), "NUL"));
    assert_non_null(form_fields_read("text/plain", "", 0, NULL));
}

/* Wherever it is cut, nothing is read past the end. */
static void a_cut_form_is_told(void **state)
{
    (void)state;
    static const char body[] = "--B\r\n" FIELD("name") "x\r\n--B\r\n" FILE_AS("a.img");
    for (size_t count = 0; count < sizeof body - 1; count++) {
        char cut[sizeof body];
        memcpy(cut, body, count);
        assert_non_null(read(cut, count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_before_the_file_are_told),
        cmocka_unit_test(faults_end_the_reading),
        cmocka_unit_test(a_cut_form_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
