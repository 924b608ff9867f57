/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

#include <cmocka.h>

/* --- bodies ---------------------------------------------------------------------------- */

#define QCOW2_HEAD                                                                                 \
    PIECE(0, "QFI\xFB\0\0\0\2"), PIECE(23, "\x10"), PIECE(28, "\4\0\0\0"), PIECE(39, "\1"),        \
        PIECE(45, "\3"), PIECE(53, "\1"), PIECE(59, "\1")
#define VMDK_HEAD                                                                                  \
    PIECE(0, "KDMV\1"), PIECE(13, "\x40"), PIECE(28, "\1"), PIECE(36, "\x14"), PIECE(73, "\n \r\n")
#define VMDK_TEXT                                                                                  \
    "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n"
#define FOOTER                                                                                     \
    PIECE(131072 - 512, "conectix\0\0\0\2\0\1"), PIECE(131072 - 512 + 52, "\0\2"),                 \
        PIECE(131072 - 512 + 63, "\2")

enum { BIG = 131072 };

#define TEXT(text)                                                                                 \
    {                                                                                              \
        sizeof(text) - 1,                                                                          \
        {                                                                                          \
            PIECE(0, text)                                                                         \
        }                                                                                          \
    }

static const struct sparse_body
    QCOW2 = {BIG, {QCOW2_HEAD}},
    BACKED = {BIG, {QCOW2_HEAD, PIECE(15, "\1")}},
    DAMAGED = {BIG, {QCOW2_HEAD, PIECE(4, "\x10\x04")}},
    QCOW = {BIG, {PIECE(0, "QFI\xFB\0\0\0\1"), PIECE(32, "\x0C\x09")}},
    VMDK = {BIG, {VMDK_HEAD, PIECE(512, VMDK_TEXT "RW 1 SPARSE \"a\"\n")}},
    EXTENTS = {BIG, {VMDK_HEAD, PIECE(512, VMDK_TEXT "RW 1 FLAT \"/a\"\n")}},
    FIXED = {BIG, {FOOTER, PIECE(510, "\x55\xAA")}},
    VDI = {BIG, {PIECE(64, "\x7F\x10\xDA\xBE\1\0\1\0"), PIECE(76, "\1"), PIECE(378, "\x10")}},
    ISO = {BIG, {PIECE(32768, "\0CD001\1")}}, OVA = {BIG, {PIECE(0, "a.ovf"), PIECE(257, "ustar")}},
    TAR = {BIG, {PIECE(0, "a.txt"), PIECE(257, "ustar")}}, GZIP = {BIG, {PIECE(0, "\x1F\x8B\x08")}},
    LUKS = {BIG, {PIECE(0, "LUKS\xBA\xBE")}}, MBR = {BIG, {PIECE(510, "\x55\xAA")}},
    ZEROS = {BIG, {{0}}}, HTML = TEXT("<!DOCTYPE html>\n<title>Not found</title>\n"),
    PATH = TEXT("/home/me/cirros.img"), NAME = TEXT("@cirros.img\n"), HELLO = TEXT("hello, world"),
    LINES = TEXT("\x80 a\n"), STRIPPED = TEXT("\xEB\x63\x90\x10\x8E\xD0\xBC\x80"),
    QED_LEFT = TEXT("QED"), VDI_LEFT = TEXT("<<< QEMU VM Virtual Disk Image >>>"),
    EMPTY = {0, {{0}}};

/* --- judgements ------------------------------------------------------------------------ */

enum { BOTH, ONLY_MISMATCH, ONLY_UNSAFE, NEITHER };

static const struct row {
    const struct sparse_body *body;
    const char *disk_format, *container_format;
    int counts;
    enum format_judgement judgement;
    const char *why; /* all of it; "" where it is good */
} ROWS[] = {
    /* as declared */
    {&QCOW2, "qcow2", "bare", BOTH, FORMAT_GOOD, ""},
    {&VMDK, "vmdk", "bare", BOTH, FORMAT_GOOD, ""},
    {&FIXED, "vhd", "bare", BOTH, FORMAT_GOOD, ""},
    {&VDI, "vdi", "bare", BOTH, FORMAT_GOOD, ""},
    {&ISO, "iso", "bare", BOTH, FORMAT_GOOD, ""},
    {&QCOW, "qcow", "bare", BOTH, FORMAT_GOOD, ""}, /* an operator may configure it */
    /* allowed as raw */
    {&ZEROS, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&MBR, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&LUKS, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&GZIP, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&TAR, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&OVA, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&HTML, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "declared raw, but this is an HTML page: send the image file itself"},
    {&HELLO, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&FIXED, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&EMPTY, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    {&GZIP, "ari", "ari", BOTH, FORMAT_GOOD, ""},
    {&MBR, "ami", "ami", BOTH, FORMAT_GOOD, ""},
    {&ZEROS, "aki", "aki", BOTH, FORMAT_GOOD, ""},
    /* not raw */
    {&QCOW2, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "declared raw, but this is qcow2: create the image with --disk-format qcow2"},
    {&QCOW, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "declared raw, but this is qcow (version 1): convert it with qemu-img convert -O qcow2"},
    {&VMDK, "ami", "ami", BOTH, FORMAT_MISMATCH,
     "declared ami, but this is vmdk: create the image with --disk-format vmdk"},
    {&VDI, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "declared raw, but this is vdi: create the image with --disk-format vdi"},
    {&ISO, "raw", "ovf", BOTH, FORMAT_MISMATCH,
     "declared raw, but this is an ISO: create the image with --disk-format iso"},
    /* another format */
    {&QCOW2, "vmdk", "bare", BOTH, FORMAT_MISMATCH,
     "declared vmdk, but this is qcow2: create the image with --disk-format qcow2"},
    {&QCOW2, "vhd", "bare", BOTH, FORMAT_MISMATCH,
     "declared vhd, but this is qcow2: create the image with --disk-format qcow2"},
    {&GZIP, "qcow2", "bare", BOTH, FORMAT_MISMATCH,
     "declared qcow2, but this is gzip: decompress it first"},
    {&MBR, "vhd", "bare", BOTH, FORMAT_MISMATCH,
     "declared vhd, but this is a raw disk (MBR): create the image with --disk-format raw"},
    {&HTML, "qcow2", "bare", BOTH, FORMAT_MISMATCH,
     "declared qcow2, but this is an HTML page: send the image file itself"},
    {&ZEROS, "qcow2", "bare", BOTH, FORMAT_MISMATCH,
     "declared qcow2, but this is none: if it is the bare disk, create the image with "
     "--disk-format raw"},
    {&ZEROS, "vhd", "bare", BOTH, FORMAT_MISMATCH,
     "declared vhd, but this is none: if it is the bare disk, create the image with "
     "--disk-format raw"},
    {&OVA, "vmdk", "bare", BOTH, FORMAT_MISMATCH,
     "declared vmdk, but this is an OVA: create the image with --container-format ova"},
    {&DAMAGED, "qcow2", "bare", BOTH, FORMAT_MISMATCH,
     "it begins like qcow2, but its header is damaged (curl -d strips bytes): its version is "
     "268697602"},
    {&DAMAGED, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "it begins like qcow2, but its header is damaged (curl -d strips bytes): its version is "
     "268697602"},
    /* in a container */
    {&OVA, "vmdk", "ova", BOTH, FORMAT_GOOD, ""},
    {&TAR, "vmdk", "ova", BOTH, FORMAT_MISMATCH,
     "declared an OVA, but this is a tar archive, not a tar whose first file is its .ovf"},
    {&ZEROS, "raw", "ova", BOTH, FORMAT_MISMATCH,
     "declared an OVA, but this is something else, not a tar whose first file is its .ovf"},
    {&VMDK, "vmdk", "ova", BOTH, FORMAT_MISMATCH,
     "declared an OVA, a tar whose first file is its .ovf, but this is vmdk: create the image with "
     "--container-format bare"},
    {&GZIP, "qcow2", "compressed", BOTH, FORMAT_GOOD, ""},
    {&TAR, "raw", "docker", BOTH, FORMAT_GOOD, ""},
    {&TAR, "qcow2", "docker", BOTH, FORMAT_GOOD, ""},
    {&DAMAGED, "qcow2", "compressed", BOTH, FORMAT_GOOD, ""},
    /* formats added by an operator */
    {&QCOW2, "squashfs", "bare", BOTH, FORMAT_GOOD, ""},
    {&DAMAGED, "squashfs", "bare", BOTH, FORMAT_GOOD, ""},
    {&MBR, "mbr", "bare", BOTH, FORMAT_GOOD, ""},
    {&ZEROS, "gzip", "bare", BOTH, FORMAT_GOOD, ""},
    /* not an image */
    {&PATH, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "this is the text of a file path, not the file: /home/me/cirros.img"},
    {&PATH, "qcow2", "bare", BOTH, FORMAT_MISMATCH,
     "this is the text of a file path, not the file: /home/me/cirros.img"},
    {&NAME, "squashfs", "compressed", BOTH, FORMAT_MISMATCH,
     "this is the text of a file path, not the file: cirros.img"},
    {&STRIPPED, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "fewer than 4 KiB, no whole sectors and none of the bytes 0x00, 0x0A, 0x0D: curl -d strips "
     "those"},
    {&STRIPPED, "aki", "aki", BOTH, FORMAT_MISMATCH,
     "fewer than 4 KiB, no whole sectors and none of the bytes 0x00, 0x0A, 0x0D: curl -d strips "
     "those"},
    {&STRIPPED, "qcow2", "compressed", BOTH, FORMAT_MISMATCH,
     "fewer than 4 KiB, no whole sectors and none of the bytes 0x00, 0x0A, 0x0D: curl -d strips "
     "those"},
    {&STRIPPED, "squashfs", "bare", BOTH, FORMAT_GOOD, ""},
    {&QED_LEFT, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "fewer than 4 KiB, no whole sectors and none of the bytes 0x00, 0x0A, 0x0D: curl -d strips "
     "those"},
    {&VDI_LEFT, "raw", "bare", BOTH, FORMAT_MISMATCH,
     "fewer than 4 KiB, no whole sectors and none of the bytes 0x00, 0x0A, 0x0D: curl -d strips "
     "those"},
    {&LINES, "raw", "bare", BOTH, FORMAT_GOOD, ""},
    /* unsafe, whatever was declared */
    {&BACKED, "qcow2", "bare", BOTH, FORMAT_UNSAFE, "it has a backing file"},
    {&BACKED, "raw", "bare", BOTH, FORMAT_UNSAFE, "it has a backing file"},
    {&BACKED, "squashfs", "docker", BOTH, FORMAT_UNSAFE, "it has a backing file"},
    {&EXTENTS, "vmdk", "bare", BOTH, FORMAT_UNSAFE, "its descriptor names the extent /a"},
    {&EXTENTS, "vmdk", "ova", BOTH, FORMAT_UNSAFE, "its descriptor names the extent /a"},
    /* where mismatches do not count */
    {&BACKED, "raw", "bare", ONLY_UNSAFE, FORMAT_UNSAFE, "it has a backing file"},
    {&QCOW2, "raw", "bare", ONLY_UNSAFE, FORMAT_UNSAFE, "declared raw, but it has a qcow2 header"},
    {&QCOW, "raw", "bare", ONLY_UNSAFE, FORMAT_UNSAFE, "declared raw, but it has a qcow header"},
    {&VMDK, "aki", "aki", ONLY_UNSAFE, FORMAT_UNSAFE, "declared aki, but it has a vmdk header"},
    {&VMDK, "qcow2", "bare", ONLY_UNSAFE, FORMAT_UNSAFE,
     "declared qcow2, but it has a vmdk header"},
    {&QCOW2, "vmdk", "bare", ONLY_UNSAFE, FORMAT_UNSAFE,
     "declared vmdk, but it has a qcow2 header"},
    {&DAMAGED, "raw", "bare", ONLY_UNSAFE, FORMAT_UNSAFE,
     "declared raw, but it has a qcow2 header"},
    {&QCOW2, "raw", "docker", ONLY_UNSAFE, FORMAT_UNSAFE,
     "declared raw, but it has a qcow2 header"},
    {&QCOW2, "squashfs", "bare", ONLY_UNSAFE, FORMAT_GOOD, ""},
    {&QCOW2, "qcow2", "bare", ONLY_UNSAFE, FORMAT_GOOD, ""},
    {&VDI, "raw", "bare", ONLY_UNSAFE, FORMAT_GOOD, ""},
    {&ZEROS, "qcow2", "bare", ONLY_UNSAFE, FORMAT_GOOD, ""},
    {&PATH, "raw", "bare", ONLY_UNSAFE, FORMAT_GOOD, ""},
    {&TAR, "raw", "ova", ONLY_UNSAFE, FORMAT_GOOD, ""},
    /* where unsafe formats do not */
    {&BACKED, "qcow2", "bare", ONLY_MISMATCH, FORMAT_GOOD, ""},
    {&EXTENTS, "vmdk", "bare", ONLY_MISMATCH, FORMAT_GOOD, ""},
    {&BACKED, "raw", "bare", ONLY_MISMATCH, FORMAT_MISMATCH,
     "declared raw, but this is qcow2: create the image with --disk-format qcow2"},
    {&BACKED, "raw", "bare", NEITHER, FORMAT_GOOD, ""},
    {&PATH, "raw", "bare", NEITHER, FORMAT_GOOD, ""},
};

static void declared_format_is_compared_with_the_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct row *row = &ROWS[i];
        struct format_declaration declaration = {
            .disk_format = row->disk_format,
            .container_format = row->container_format,
            .counts = {[FORMAT_MISMATCH] = row->counts == BOTH || row->counts == ONLY_MISMATCH,
                       [FORMAT_UNSAFE] = row->counts == BOTH || row->counts == ONLY_UNSAFE}};
        struct format_examination examination;
        char why[FORMAT_WORDS] = "left from before";
        enum format_judgement judgement = sparse_judge(row->body, &declaration, &examination, why);
        if (judgement != row->judgement || strcmp(why, row->why) != 0)
            fail_msg("row %zu, %s: %d, \"%s\"", i, row->disk_format, judgement, why);
    }
}

/* Formats that pass under the name of a driver, the texts, and formats that do not pass. */
static void format_name_may_be_a_driver_name(void **state)
{
    (void)state;
    static const struct sparse_body vhdx = {BIG, {PIECE(0, "vhdxfile")}};
    static const struct sparse_body hybrid = {BIG,
                                              {PIECE(32768, "\0CD001\1"), PIECE(510, "\x55\xAA")}};
    static const struct {
        const struct sparse_body *body;
        const char *disk_format, *container_format, *disktype, *hypervisor;
        bool passes, remark;
    } rows[] = {
        {&MBR, "vmdk", "bare", "preallocated", "vmware", true, false},
        {&ZEROS, "vmdk", "bare", NULL, "vmware", true, false},
        {&ZEROS, "vmdk", "bare", "sparse", "vmware", false, false},
        {&ZEROS, "vmdk", "bare", NULL, NULL, false, false},
        {&VDI, "vmdk", "bare", "preallocated", "vmware", false, false},
        {&vhdx, "vhd", "bare", NULL, NULL, true, true},
        {&QCOW2, "ami", "bare", NULL, NULL, true, true},
        {&BACKED, "ami", "bare", NULL, NULL, false, false},
        {&QCOW2, "aki", "bare", NULL, NULL, false, false},
        {&GZIP, "vhd", "ovf", NULL, NULL, true, false},
        {&GZIP, "vhd", "bare", NULL, "xen", true, false},
        {&GZIP, "vhd", "bare", NULL, NULL, false, false},
        {&hybrid, "raw", "bare", NULL, NULL, true, true},
        {&ISO, "raw", "bare", NULL, NULL, false, false},
        {&GZIP, "raw", "bare", NULL, NULL, true, true},
        {&GZIP, "ari", "ari", NULL, NULL, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct format_declaration declaration = {.disk_format = rows[i].disk_format,
                                                 .container_format = rows[i].container_format,
                                                 .vmware_disktype = rows[i].disktype,
                                                 .hypervisor = rows[i].hypervisor};
        for (int k = FORMAT_GOOD + 1; k < FORMAT_JUDGEMENTS; k++)
            declaration.counts[k] = true;
        struct format_examination examination;
        char why[FORMAT_WORDS];
        size_t count;
        unsigned char *opening = sparse_opening(rows[i].body, &count);
        format_examine(opening, count, declaration.disk_format, FORMAT_LENGTH_UNKNOWN,
                       &examination);
        examination.next.length = 0;
        if ((format_judge(&declaration, &examination, opening, count, false, why) == FORMAT_GOOD) !=
            rows[i].passes)
            fail_msg("row %zu: \"%s\"", i, why);
        if (rows[i].passes && (format_remark(&declaration, &examination, opening, count, false,
                                             why) != FORMAT_GOOD) != rows[i].remark)
            fail_msg("row %zu remarks \"%s\"", i, why);
        free(opening);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declared_format_is_compared_with_the_body),
        cmocka_unit_test(format_name_may_be_a_driver_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
