/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/new_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char fault[NEW_IMAGE_FAULT_MAX];

static void each_key_sets_its_attribute(void **state)
{
    (void)state;
    struct new_image image = {0};
    const char *const pairs[][2] = {
        {"name", "a b"},
        {"disk_format", "qcow2"},
        {"container_format", "bare"},
        {"visibility", "shared"},
        {"min_disk", "12"},
        {"min_ram", "512"},
        {"project", "demo"},
        {"domain", "Default"},
        {"tag", "x"},
        {"tag", "y"},
        {"property.os_distro", "cirros"},
        {"property.a_b", "1"},
        {"property.a-b", "2"},
        {"property.empty", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_null(new_image_set(&image, pairs[i][0], pairs[i][1], fault));
    assert_string_equal(image.name, "a b");
    assert_string_equal(image.disk_format, "qcow2");
    assert_string_equal(image.container_format, "bare");
    assert_string_equal(image.visibility, "shared");
    assert_int_equal(image.min_disk_from, MIN_DISK_GIVEN);
    assert_int_equal(image.min_disk, 12);
    assert_string_equal(image.min_ram, "512");
    assert_string_equal(image.project, "demo");
    assert_string_equal(image.domain, "Default");
    assert_int_equal(image.tag_count, 2);
    assert_string_equal(image.tags[1], "y");
    assert_int_equal(image.properties.count, 4);
    assert_string_equal(image.properties.rows[0].name, "os_distro");
    assert_string_equal(image.properties.rows[2].value, "2");
    new_image_free(&image);
}

/* What is set first is set again. */
static void bad_keys_and_values_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *first, *key, *value, *words;
    } rows[] = {
        {NULL, "disk_fromat", "raw", "unknown key disk_fromat; did you mean disk_format?"},
        {NULL, "owner", "x", "unknown key owner; a property of the image is property.NAME"},
        {NULL, "\x1b[31m", "x", "unknown key in its address or form"},
        {NULL, "property.owner", "x", "owner is no property that can be set here"},
        {NULL, "property.Owner", "x", "owner is no property"},
        {NULL, "property.protected", "true", "protected is no property"},
        {NULL, "property.locations", "x", "locations is no property"},
        {NULL, "property.", "x", "1 to 255"},
        {NULL, "property.a\nb", "x", "1 to 255"},
        {NULL, "property.a", "x\ny", "the value of a property is no printable text"},
        {"property.a", "property.a", "2", "a property is given twice: a"},
        {"name", "name", "b", "name is given twice"},
        {"min_disk", "min_disk", "1", "min_disk is given twice"},
        {NULL, "name", "a\x7f", "no printable text"},
        {NULL, "name", "\xc3", "no printable text"},
        {NULL, "name", "\xe2\x80\xa8", "no printable text"},
        {NULL, "visibility", "everybody", "visibility is private, shared, community or public"},
        {NULL, "min_disk", "-1", "min_disk is a number of GiB, or auto"},
        {NULL, "min_disk", "9999999999", "min_disk is a number"},
        {NULL, "min_ram", "1.5", "min_ram is a number of MiB"},
        {NULL, "disk_format", "raw\"", "letters, digits"},
        {NULL, "tag", "a\tb", "no printable text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct new_image image = {0};
        if (rows[i].first)
            assert_null(new_image_set(&image, rows[i].first, "1", fault));
        const char *told = new_image_set(&image, rows[i].key, rows[i].value, fault);
        assert_non_null(told);
        if (!strstr(told, rows[i].words))
            fail_msg("%s=%s: %s", rows[i].key, rows[i].value, told);
        new_image_free(&image);
    }
}

static void counts_and_lengths_are_bounded(void **state)
{
    (void)state;
    struct new_image image = {0};
    char text[NEW_IMAGE_VALUE_MAX + 2];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_non_null(strstr(new_image_set(&image, "property.a", text, fault), "more than 8192"));
    text[NEW_IMAGE_NAME_MAX + 1] = '\0';
    assert_non_null(strstr(new_image_set(&image, "name", text, fault), "more than 255"));
    assert_null(new_image_set(&image, "name", text + 1, fault));
    for (int i = 0; i < NEW_IMAGE_TAGS_MAX; i++) {
        char key[32];
        snprintf(key, sizeof key, "property.p%d", i);
        assert_null(new_image_set(&image, key, "", fault));
        assert_null(new_image_set(&image, "tag", "t", fault));
    }
    assert_non_null(strstr(new_image_set(&image, "tag", "t", fault), "more than 128 tags"));
    assert_non_null(strstr(new_image_set(&image, "property.x", "", fault), "more than 128 prop"));
    new_image_free(&image);
}

static void empty_inputs_of_a_form_are_ignored(void **state)
{
    (void)state;
    struct new_image image = {0};
    assert_null(new_image_set(&image, "name", "", fault));
    assert_null(new_image_set(&image, "min_disk", "", fault));
    assert_null(image.name);
    assert_int_equal(image.min_disk_from, MIN_DISK_UNSET);
    new_image_free(&image);
}

/* --- where it comes from ---------------------------------------------------------------------- */

static void names_lose_their_extensions(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"cirros.qcow2", "cirros"},
        {"cirros.qcow2.xz", "cirros"},
        {"cirros-0.6.2-x86_64-disk.img", "cirros-0.6.2-x86_64-disk"},
        {"x.raw.gz", "x"},
        {"X.RAW.GZ", "X"},
        {"x.xz", "x"},
        {"x.tar.gz", "x"},
        {"x.raw.tar.xz", "x"},
        {"x.tgz", "x"},
        {"x.tar", "x.tar"},
        {"x.gz.gz", "x.gz"},
        {"x.img.raw", "x.img"},
        {"debian-12", "debian-12"},
        {"v1.2", "v1.2"},
        {".qcow2", ".qcow2"},
        {".xz", ".xz"},
        {"C:\\Images\\win.vhdx", "win"},
        {"a/b/c.iso", "c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct new_image image = {0};
        assert_null(new_image_name_file(&image, rows[i][0], fault));
        assert_string_equal(image.name, rows[i][1]);
        assert_null(new_image_name_file(&image, "another", fault));
        assert_string_equal(image.name, rows[i][1]);
        new_image_free(&image);
    }
}

static void the_query_is_decoded_once(void **state)
{
    (void)state;
    struct new_image image = {0};
    assert_null(new_image_read_target(&image, "/upload/caf\xc3\xa9.img",
                                      "tag=a+b&tag=c%2Bd&property.x%3dy=%2525&&tag", fault));
    assert_string_equal(image.name, "caf\xc3\xa9");
    assert_string_equal(image.tags[0], "a b");
    assert_string_equal(image.tags[1], "c+d");
    assert_int_equal(image.tag_count, 2);
    assert_string_equal(image.properties.rows[0].name, "x=y");
    assert_string_equal(image.properties.rows[0].value, "%25");
    new_image_free(&image);
}

/* What the upload page asks about a file. */
static void a_file_of_the_page_names_its_image(void **state)
{
    (void)state;
    struct new_image image = {0};
    assert_null(new_image_read_target(&image, "/upload/page/image/a b.qcow2.xz", "tag=c", fault));
    assert_string_equal(image.name, "a b");
    assert_int_equal(image.tag_count, 1);
    new_image_free(&image);
    assert_null(new_image_read_target(&image, "/upload/page/image/", NULL, fault));
    assert_null(image.name);
    assert_non_null(
        strstr(new_image_read_target(&image, "/upload/page/image/a/b", NULL, fault), "slash"));
    assert_non_null(
        strstr(new_image_read_target(&image, "/upload/page/images", NULL, fault), "slash"));
    new_image_free(&image);
}

static void targets_without_a_name_or_with_a_bad_one(void **state)
{
    (void)state;
    struct new_image image = {0};
    assert_null(new_image_read_target(&image, "/upload", NULL, fault));
    assert_null(new_image_read_target(&image, "/upload/", "", fault));
    assert_null(image.name);
    assert_null(new_image_read_target(&image, "/upload/", "name=a%2Fb.img", fault));
    assert_string_equal(image.name, "a/b.img");
    new_image_free(&image);
    assert_non_null(strstr(new_image_read_target(&image, "/upload/a/b", NULL, fault), "slash"));
    assert_non_null(strstr(new_image_read_target(&image, "/upload/a/", NULL, fault), "slash"));
    assert_non_null(strstr(new_image_read_target(&image, "/upload/a", "tag=%0", fault), "percent"));
    new_image_free(&image);
    assert_non_null(
        strstr(new_image_read_target(&image, "/upload/a", "tag=%00", fault), "percent"));
    new_image_free(&image);
}

static void properties_come_in_headers_too(void **state)
{
    (void)state;
    struct new_image image = {0};
    struct headers headers = {0};
    assert_true(headers_add(&headers, "Host", "h") &&
                headers_add(&headers, "X-Image-Meta-Property-OS-Distro", "cirros") &&
                headers_add(&headers, "x-image-meta-property-hw_disk_bus", "scsi") &&
                headers_add(&headers, "X-Image-Meta-Store", "file"));
    assert_null(new_image_read_headers(&image, &headers, fault));
    assert_int_equal(image.properties.count, 2);
    assert_string_equal(image.properties.rows[0].name, "os_distro");
    assert_string_equal(image.properties.rows[1].name, "hw_disk_bus");
    assert_non_null(new_image_read_headers(&image, &headers, fault)); /* twice */
    headers_free(&headers);
    new_image_free(&image);
    assert_true(headers_add(&headers, "X-Image-Meta-Property-Owner", "me"));
    assert_non_null(strstr(new_image_read_headers(&image, &headers, fault), "owner"));
    headers_free(&headers);
    new_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_sets_its_attribute),
        cmocka_unit_test(bad_keys_and_values_are_told),
        cmocka_unit_test(counts_and_lengths_are_bounded),
        cmocka_unit_test(empty_inputs_of_a_form_are_ignored),
        cmocka_unit_test(names_lose_their_extensions),
        cmocka_unit_test(the_query_is_decoded_once),
        cmocka_unit_test(a_file_of_the_page_names_its_image),
        cmocka_unit_test(targets_without_a_name_or_with_a_bad_one),
        cmocka_unit_test(properties_come_in_headers_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
