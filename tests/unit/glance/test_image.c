/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char ANSWER[] =
    "{\"hw_disk_bus\": \"scsi\", \"name\": \"win-\\u00e4\", \"disk_format\": \"qcow2\", "
    "\"container_format\": null, \"visibility\": \"shared\", \"size\": null, \"status\": "
    "\"queued\", \"tags\": [\"a\", \"b\"], \"id\": \"7ba7a3d1-0df1-4f3e-8f4b-5a7f0e3d9a11\", "
    "\"owner\": \"c48ae1a92eda481abde94537165da369\", \"locations\": [{\"url\": \"s3://x\"}]}";

static void the_facts_are_what_glance_says(void **state)
{
    (void)state;
    struct image image;
    assert_true(image_parse(ANSWER, strlen(ANSWER), &image));
    assert_string_equal(image.id, "7ba7a3d1-0df1-4f3e-8f4b-5a7f0e3d9a11");
    assert_string_equal(image.status, "queued");
    assert_string_equal(image.disk_format, "qcow2");
    assert_null(image.container_format);
    assert_string_equal(image.owner, "c48ae1a92eda481abde94537165da369");
    assert_string_equal(image.name, "win-\xc3\xa4");
    assert_string_equal(image.visibility, "shared");
    image_free(&image);
    image_free(&image);
}

static void a_missing_fact_is_null(void **state)
{
    (void)state;
    static const char json[] = "{\"status\": \"active\", \"owner\": 5, \"name\": {}}";
    struct image image;
    assert_true(image_parse(json, strlen(json), &image));
    assert_string_equal(image.status, "active");
    assert_null(image.id);
    assert_null(image.owner);
    assert_null(image.name);
    image_free(&image);
}

static void what_is_no_image_gives_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "\"queued\"",
        "{}",
        "{\"status\": null}",
        "{\"status\": 1}",
        "{\"status\": \"queued\", \"status\": \"active\"}",
        "{\"status\": \"queued\", \"disk_format\": \"raw\", \"disk_format\": \"iso\"}",
        "{\"status\": \"queued\"",
        "{\"status\": \"queued\"} x",
        "{\"status\": \"que\\u0000ued\"}",
        "{\"status\": \"\xff\"}",
        "<html></html>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct image image;
        if (image_parse(bad[i], strlen(bad[i]), &image))
            fail_msg("%s", bad[i]);
        assert_null(image.status);
        assert_null(image.disk_format);
    }
}

static void it_may_not_nest_without_an_end(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    static const char begin[] = "{\"status\": \"queued\", \"x\": ";
    size_t length = sizeof begin - 1;
    char *json = malloc(length + DEPTH);
    struct image image;
    assert_non_null(json);
    memcpy(json, begin, length);
    memset(json + length, '[', DEPTH);
    assert_false(image_parse(json, length + DEPTH, &image));
    free(json);
}

static void a_cut_answer_gives_nothing(void **state)
{
    (void)state;
    for (size_t length = 0; length < strlen(ANSWER); length++) {
        char *piece = strndup(ANSWER, length);
        struct image image;
        assert_non_null(piece);
        assert_false(image_parse(piece, length, &image));
        free(piece);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_facts_are_what_glance_says),
        cmocka_unit_test(a_missing_fact_is_null),
        cmocka_unit_test(what_is_no_image_gives_nothing),
        cmocka_unit_test(it_may_not_nest_without_an_end),
        cmocka_unit_test(a_cut_answer_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
