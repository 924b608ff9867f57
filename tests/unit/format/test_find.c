/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static unsigned char opening[FORMAT_OPENING];

static void put(size_t at, const void *bytes, size_t count)
{
    memcpy(opening + at, bytes, count);
}

static void formats_are_found_by_their_marks(void **state)
{
    (void)state;
    static const struct {
        const char *disk_format, *container_format;
        size_t at, count;
        const char *mark;
    } rows[] = {
        {"qcow2", "bare", 0, 8, "QFI\xfb\0\0\0\3"},
        {"vmdk", "bare", 0, 4, "KDMV"},
        {"vmdk", "bare", 0, 4, "COWD"},
        {"vhd", "bare", 0, 8, "conectix"},
        {"vhdx", "bare", 0, 8, "vhdxfile"},
        {"ploop", "bare", 0, 16, "WithoutFreeSpace"},
        {"vdi", "bare", 64, 4, "\x7f\x10\xda\xbe"},
        {"iso", "bare", 32768, 7, "\1CD001\1"},
        {"raw", "bare", 510, 2, "\x55\xaa"},
        {"raw", "bare", 512, 8, "EFI PART"},
        {"raw", "bare", 4096, 8, "EFI PART"},
        {"raw", "bare", 0, 6, "LUKS\xba\xbe"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct format_found found;
        memset(opening, 0, sizeof opening);
        put(rows[i].at, rows[i].mark, rows[i].count);
        put(32768 + 128, "\0\x08\x08\0", 4); /* of an ISO: the size of its blocks */
        if (!format_find(opening, sizeof opening, FORMAT_LENGTH_UNKNOWN, &found))
            fail_msg("row %zu was not found: %s", i, found.seen);
        assert_string_equal(found.disk_format, rows[i].disk_format);
        assert_string_equal(found.container_format, rows[i].container_format);
    }
}

/* Disk formats come first: this is how isolinux makes an ISO that boots from USB. */
static void an_iso_may_begin_with_a_boot_sector(void **state)
{
    (void)state;
    struct format_found found;
    memset(opening, 0, sizeof opening);
    put(510, "\x55\xaa", 2);
    put(32768, "\1CD001\1", 7);
    put(32768 + 128, "\0\x08\x08\0", 4);
    assert_true(format_find(opening, sizeof opening, FORMAT_LENGTH_UNKNOWN, &found));
    assert_string_equal(found.disk_format, "iso");
}

static void an_ova_has_a_container_format(void **state)
{
    (void)state;
    struct format_found found;
    memset(opening, 0, sizeof opening);
    put(0, "machine.ovf", 11);
    put(100, "0000644", 7);
    put(124, "00000000010", 11);
    put(257, "ustar\00000", 8);
    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < 512; i++)
        sum += opening[i];
    char digits[8];
    snprintf(digits, sizeof digits, "%06o", sum);
    put(148, digits, 7);
    assert_true(format_find(opening, sizeof opening, FORMAT_LENGTH_UNKNOWN, &found));
    assert_string_equal(found.disk_format, "vmdk");
    assert_string_equal(found.container_format, "ova");
}

static void the_size_of_the_disk_is_told(void **state)
{
    (void)state;
    static const unsigned char header[] = "QFI\xfb\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10"
                                          "\0\0\0\1\x40\0\0\0";
    struct format_found found;
    memset(opening, 0, sizeof opening);
    put(0, header, sizeof header - 1);
    assert_true(format_find(opening, sizeof opening, FORMAT_LENGTH_UNKNOWN, &found));
    assert_true(found.virtual_size_known);
    assert_int_equal(found.virtual_size, UINT64_C(5) << 30);
}

static void other_data_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *mark;
        size_t count;
        const char *seen;
        bool compressed;
    } rows[] = {
        {"\xfd"
         "7zXZ\0",
         6, "it looks like xz: decompress it first", true},
        {"\x1f\x8b\x08", 3, "it looks like gzip: decompress it first", true},
        {"PK\3\4", 4, "it looks like a zip archive: decompress it first", true},
        {"\x7f"
         "ELF",
         4, "it looks like an ELF program: create the image with --disk-format raw", false},
        {"\0\0\0\0", 4, "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct format_found found;
        memset(opening, 0, sizeof opening);
        put(0, rows[i].mark, rows[i].count);
        assert_false(format_find(opening, sizeof opening, FORMAT_LENGTH_UNKNOWN, &found));
        assert_null(found.disk_format);
        assert_string_equal(found.seen, rows[i].seen);
        assert_int_equal(found.compressed, rows[i].compressed);
    }
    struct format_found found;
    assert_false(format_find(NULL, 0, 0, &found));
    assert_null(found.disk_format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_found_by_their_marks),
        cmocka_unit_test(an_iso_may_begin_with_a_boot_sector),
        cmocka_unit_test(an_ova_has_a_container_format),
        cmocka_unit_test(the_size_of_the_disk_is_told),
        cmocka_unit_test(other_data_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
