/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char ANSWER[] =
    "{\"hw_disk_bus\": \"scsi\", \"name\": \"win-\\u00e4\", \"disk_format\": \"qcow2\", "
    "\"container_format\": null, \"visibility\": \"shared\", \"size\": null, \"status\": "
    "\"queued\", \"tags\": [\"a\", \"b\"], \"id\": \"7ba7a3d1-0df1-4f3e-8f4b-5a7f0e3d9a11\", "
    "\"owner\": \"c48ae1a92eda481abde94537165da369\", \"locations\": [{\"url\": \"s3://x\"}]}";

static void facts_are_read_from_the_answer(void **state)
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

static void properties_name_the_hypervisor(void **state)
{
    (void)state;
    static const struct {
        const char *property, *hypervisor;
    } rows[] = {
        {"\"hypervisor_type\": \"vmware\"", "vmware"},
        {"\"img_hv_type\": \"xen\"", "xen"},
        {"\"hypervisor_type\": \"hyperv\"", "hyperv"},
        {"\"hw_vm_mode\": \"xen\"", "xen"},
        {"\"vmware_adaptertype\": \"ide\"", "vmware"},
        {"\"hypervisor_type\": \"qemu\"", NULL},
        {"\"hw_vm_mode\": \"hvm\"", NULL},
        {"\"hypervisor_type\": null", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[128];
        struct image image;
        snprintf(json, sizeof json, "{\"status\": \"queued\", %s}", rows[i].property);
        assert_true(image_parse(json, strlen(json), &image));
        assert_null(image.vmware_disktype);
        assert_string_equal(image.hypervisor ? image.hypervisor : "",
                            rows[i].hypervisor ? rows[i].hypervisor : "");
        image_free(&image);
    }
    struct image image;
    static const char flat[] = "{\"status\": \"queued\", \"vmware_disktype\": \"preallocated\"}";
    assert_true(image_parse(flat, strlen(flat), &image));
    assert_string_equal(image.vmware_disktype, "preallocated");
    assert_string_equal(image.hypervisor, "vmware");
    image_free(&image);
}

/* As Glance 25.1 answers for an image that openstacksdk made. */
static const char STORED[] =
    "{\"status\": \"active\", \"size\": 42270720, \"os_hash_algo\": \"sha512\", "
    "\"os_hash_value\": \"6a3dcd40\", \"checksum\": \"651fdf3d\", \"stores\": \"file,test\", "
    "\"owner_specified.openstack.sha256\": \"e3b0c442\", \"owner_specified.openstack.md5\": \"\"}";

static void facts_of_a_stored_image_are_read(void **state)
{
    (void)state;
    struct image image;
    assert_true(image_parse(STORED, strlen(STORED), &image));
    assert_true(image.size_known);
    assert_int_equal(image.size, 42270720);
    assert_string_equal(image.os_hash_algo, "sha512");
    assert_string_equal(image.os_hash_value, "6a3dcd40");
    assert_string_equal(image.checksum, "651fdf3d");
    assert_string_equal(image.stores, "file,test");
    assert_string_equal(image.sdk_sha256, "e3b0c442");
    assert_string_equal(image.sdk_md5, "");
    image_free(&image);
    assert_true(image_parse(ANSWER, strlen(ANSWER), &image));
    assert_null(image.os_hash_algo);
    assert_null(image.os_hash_value);
    assert_null(image.checksum);
    assert_null(image.stores);
    assert_null(image.sdk_sha256);
    assert_null(image.sdk_md5);
    image_free(&image);
}

static void volume_backed_image_is_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *properties;
        bool of_volumes;
    } rows[] = {
        {"\"block_device_mapping\": \"[]\"", true},
        {"\"bdm_v2\": \"True\"", true},
        {"\"bdm_v2\": true", true},
        {"\"block_device_mapping\": null", false},
        {"\"bdm\": \"True\"", false},
        {"\"root_device_name\": \"/dev/vda\"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[120];
        struct image image;
        snprintf(json, sizeof json, "{\"status\": \"queued\", %s}", rows[i].properties);
        assert_true(image_parse(json, strlen(json), &image));
        assert_int_equal(image.of_volumes, rows[i].of_volumes);
        image_free(&image);
    }
}

static void a_size_is_a_whole_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool known;
        uint64_t size;
    } rows[] = {
        {"0", true, 0},      {"9223372036854775807", true, INT64_MAX},
        {"-1", false, 0},    {"1.0", false, 0},
        {"\"1\"", false, 0}, {"true", false, 0},
        {"null", false, 0},  {"{}", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[80];
        struct image image;
        snprintf(json, sizeof json, "{\"status\": \"active\", \"size\": %s}", rows[i].text);
        assert_true(image_parse(json, strlen(json), &image));
        assert_int_equal(image.size_known, rows[i].known);
        assert_int_equal(image.size, rows[i].size);
        image_free(&image);
    }
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

static void answer_without_an_image_gives_nothing(void **state)
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
        "{\"status\": \"queued\", \"size\": 9223372036854775808}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct image image;
        if (image_parse(bad[i], strlen(bad[i]), &image))
            fail_msg("%s", bad[i]);
        assert_null(image.status);
        assert_null(image.disk_format);
    }
}

static void nesting_has_a_maximum(void **state)
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
        cmocka_unit_test(facts_are_read_from_the_answer),
        cmocka_unit_test(facts_of_a_stored_image_are_read),
        cmocka_unit_test(properties_name_the_hypervisor),
        cmocka_unit_test(volume_backed_image_is_recognized),
        cmocka_unit_test(a_size_is_a_whole_number),
        cmocka_unit_test(a_missing_fact_is_null),
        cmocka_unit_test(answer_without_an_image_gives_nothing),
        cmocka_unit_test(nesting_has_a_maximum),
        cmocka_unit_test(a_cut_answer_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
