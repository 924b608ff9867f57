/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/format/format_priv.h"

#include "support/examined.h"

static const struct row {
    const char *name; /* NULL: nothing that is known */
    struct piece pieces[3];
} ROWS[] = {
    {"qcow", {PIECE(0, "QFI\xFB\0\0\0\1")}},
    {"qcow2", {PIECE(0, "QFI\xFB\0\0\0\2")}},
    {"qcow2", {PIECE(0, "QFI\xFB\0\0\0\3")}},
    {"qcow2", {PIECE(0, "QFI\xFB\x03\x01")}},
    {"qed", {PIECE(0, "QED\0")}},
    {"vmdk", {PIECE(0, "KDMV\1")}},
    {"vmdk", {PIECE(0, "COWD\1")}},
    {"vmdk", {PIECE(0, "# Disk DescriptorFile\nversion=1\n")}},
    {"vhd", {PIECE(0, "conectix")}},
    {"vhdx", {PIECE(0, "vhdxfile")}},
    {"ploop", {PIECE(0, "WithoutFreeSpace")}},
    {"ploop", {PIECE(0, "WithouFreSpacExt")}},
    {"vdi", {PIECE(64, "\x7F\x10\xDA\xBE")}},
    {"iso", {PIECE(32768, "\1CD001\1"), PIECE(32896, "\0\x08\x08\0")}},
    {"iso", {PIECE(32768, "\0BEA01\1")}},
    {"luks", {PIECE(0, "LUKS\xBA\xBE\0\1")}},
    {"gzip", {PIECE(0, "\x1F\x8B\x08")}},
    {"bzip2", {PIECE(0, "BZh91AY&SY")}},
    {"xz",
     {PIECE(0, "\xFD"
               "7zXZ\0")}},
    {"zstd", {PIECE(0, "\x28\xB5\x2F\xFD")}},
    {"zip", {PIECE(0, "PK\3\4")}},
    {"elf",
     {PIECE(0, "\x7F"
               "ELF\2")}},
    {"kernel", {PIECE(0x202, "HdrS"), PIECE(510, "\x55\xAA")}},
    {"ova", {PIECE(0, "vm.ovf"), PIECE(257, "ustar")}},
    {"tar", {PIECE(0, "vm.vmdk"), PIECE(257, "ustar")}},
    {"gpt", {PIECE(510, "\x55\xAA"), PIECE(512, "EFI PART")}},
    {"gpt", {PIECE(510, "\x55\xAA"), PIECE(4096, "EFI PART")}},
    {"mbr", {PIECE(510, "\x55\xAA")}},
    {NULL, {PIECE(0, "QFI\xFA")}},
    {NULL, {PIECE(1, "QFI\xFB")}},
    {NULL, {PIECE(0, "\0")}},
    /* a hypervisor would find the disk format */
    {"qcow2", {PIECE(0, "QFI\xFB\0\0\0\3"), PIECE(510, "\x55\xAA"), PIECE(32768, "\1CD001\1")}},
    {"vdi", {PIECE(64, "\x7F\x10\xDA\xBE"), PIECE(0, "\x1F\x8B\x08"), PIECE(257, "ustar")}},
    {"iso", {PIECE(32768, "\0CD001\1"), PIECE(512, "EFI PART"), PIECE(257, "ustar")}},
};

static const struct format *recognised(const struct row *row, uint64_t size)
{
    struct sparse_body body = {size, {row->pieces[0], row->pieces[1], row->pieces[2]}};
    size_t count;
    unsigned char *opening = sparse_opening(&body, &count);
    struct view view = {opening, count, false};
    const struct format *format = format_recognised(&view);
    free(opening);
    return format;
}

static void each_format_is_known_by_its_magic(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct format *format = recognised(&ROWS[i], FORMAT_OPENING);
        if (!format != !ROWS[i].name || (format && strcmp(format->name, ROWS[i].name) != 0))
            fail_msg("row %zu: %s", i, format ? format->name : "nothing");
    }
}

static void truncated_magic_is_not_recognized(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct format *format = recognised(&ROWS[i], FORMAT_OPENING);
        if (!format || !format->length)
            continue;
        const struct format *cut = recognised(&ROWS[i], format->at + format->length - 1);
        if (cut && !strcmp(cut->name, format->name))
            fail_msg("%s", format->name);
    }
}

static bool named(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names;
}

static void disk_formats_are_not_raw_and_some_name_files(void **state)
{
    (void)state;
    static const char *const disks[] = {"qcow", "qcow2", "qed",   "vmdk", "vhd",
                                        "vhdx", "vdi",   "ploop", "iso",  NULL};
    static const char *const nesting[] = {"qcow", "qcow2", "qed", "vmdk", NULL};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct format *format = recognised(&ROWS[i], FORMAT_OPENING);
        if (format && (format->disk != named(format->name, disks) ||
                       format->names_files != named(format->name, nesting)))
            fail_msg("row %zu: %s", i, format->name);
    }
}

static void every_format_has_a_name_and_can_be_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct format *format = recognised(&ROWS[i], FORMAT_OPENING);
        if (!format)
            continue;
        assert_string_equal(format_named(format->name)->name, format->name);
        assert_true(*format->words && *format->advice);
    }
    assert_null(format_named("raw"));
    assert_null(format_named(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_known_by_its_magic),
        cmocka_unit_test(truncated_magic_is_not_recognized),
        cmocka_unit_test(disk_formats_are_not_raw_and_some_name_files),
        cmocka_unit_test(every_format_has_a_name_and_can_be_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
