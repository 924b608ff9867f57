/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/new_image_json.h"

#include "intake/buffer.h"
#include "intake/new_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct new_image_facts FACTS = {
    .id = "7ba7a3d1", .disk_format = "qcow2", .container_format = "bare"};

static void assert_written(const struct new_image *image, const struct new_image_facts *facts,
                           const char *expected)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_true(new_image_json(image, facts, &out));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void what_was_not_said_is_left_out(void **state)
{
    (void)state;
    struct new_image image = {.name = "a \"b\""};
    assert_written(&image, &FACTS,
                   "{\"id\":\"7ba7a3d1\",\"name\":\"a \\\"b\\\"\",\"disk_format\":\"qcow2\","
                   "\"container_format\":\"bare\"}");
}

static void all_of_it_is_written(void **state)
{
    (void)state;
    char *tags[] = {"x", "y"};
    struct new_image image = {
        .name = "a", .visibility = "private", .min_ram = "64", .tags = tags, .tag_count = 2};
    struct new_image_facts facts = FACTS;
    facts.has_min_disk = true;
    facts.min_disk = 3;
    assert_true(headers_add(&image.properties, "os_distro", "cirros"));
    assert_written(
        &image, &facts,
        "{\"os_distro\":\"cirros\",\"id\":\"7ba7a3d1\",\"name\":\"a\","
        "\"disk_format\":\"qcow2\",\"container_format\":\"bare\","
        "\"visibility\":\"private\",\"min_disk\":3,\"min_ram\":64,\"tags\":[\"x\",\"y\"]}");
    headers_free(&image.properties);
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    struct new_image image = {.name = "a"};
    struct buffer out;
    buffer_init(&out, 16);
    assert_false(new_image_json(&image, &FACTS, &out));
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_said_is_left_out),
        cmocka_unit_test(all_of_it_is_written),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
