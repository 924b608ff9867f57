/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that JSON cannot have as they are, or that are too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "records_script.h"

static void invalid_utf8_is_replaced_in_json(void **state)
{
    (void)state;
    struct request_record *upload = make("image", 0);
    free(upload->store);
    upload->store = strdup("st\xFFore\"");
    records_leave(records[0], upload);
    json_t *document = read_json();
    assert_text(row_of(document, "finished", 0), "store", "st\xEF\xBF\xBDore\"");
    json_decref(document);
}

/* A name of more than RECORD_NAME_MAX bytes may be cut within a character. */
static void long_names_are_cut(void **state)
{
    (void)state;
    char name[2 * RECORD_NAME_MAX + 2] = "a";
    for (size_t i = 1; i + 2 < sizeof name; i += 2)
        memcpy(&name[i], "\xC3\xA4", 3);
    struct request_record *upload = make("image", 0);
    assert_true(record_describe_image(upload, NULL, name));
    assert_null(upload->project);
    records_leave(records[0], upload);
    json_t *document = read_json();
    const char *shown = json_string_value(json_object_get(row_of(document, "finished", 0), "name"));
    assert_int_equal(strlen(shown), RECORD_NAME_MAX - 1 + 3); /* the cut one is U+FFFD */
    json_decref(document);
}

static void records_too_large_for_the_buffer_fail(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 10);
    assert_false(records_json(records, WORKERS, &text));
    buffer_free(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(invalid_utf8_is_replaced_in_json),
        TEST(long_names_are_cut),
        TEST(records_too_large_for_the_buffer_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
