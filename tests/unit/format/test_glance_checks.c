/* SPDX-License-Identifier: Apache-2.0 */
/* Each row was held against the inspectors of oslo.utils (2025.1 and master), with files as
 * qemu-img, sfdisk, sgdisk, cryptsetup and genisoimage make them. */
#include "intake/format.h"

#include "support/sparse_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { BIG = 131072, LAST = BIG - 512 };

#define SIGNATURE PIECE(510, "\x55\xAA")
#define PARTITION PIECE(446 + 4, "\x83")
#define QFI       PIECE(0, "QFI\xFB\0\0\0\3")
#define CD        PIECE(32768, "\1CD001\1")
#define DESCRIPTOR                                                                                 \
    PIECE(0, "KDMV\1"), PIECE(28, "\1"), PIECE(36, "\x14"),                                        \
        PIECE(512, "createType=\"monolithicSparse\"\nRW 1 SPARSE \"a\"\n")

static const struct sparse_body ZEROS = {BIG, {{0}}}, MBR = {BIG, {SIGNATURE, PARTITION}},
                                QCOW2 = {BIG, {QFI}}, EXTENDED = {BIG, {QFI, PIECE(79, "\x10")}},
                                FIXED = {BIG, {PIECE(LAST, "conectix")}},
                                FIXED_MBR = {BIG, {SIGNATURE, PARTITION, PIECE(LAST, "conectix")}},
                                DYNAMIC = {BIG, {PIECE(0, "conectix"), PIECE(LAST, "conectix")}},
                                VHDX = {BIG, {PIECE(0, "vhdxfile")}},
                                VDI = {BIG, {PIECE(64, "\x7F\x10\xDA\xBE")}},
                                VMDK = {BIG, {DESCRIPTOR}}, QED = {BIG, {PIECE(0, "QED\0")}},
                                ISO = {BIG, {CD}}, UDF = {BIG, {PIECE(32768, "\0BEA01\1")}},
                                NSR = {BIG, {PIECE(32768, "\0NSR02\1")}},
                                HYBRID = {BIG, {CD, SIGNATURE, PARTITION}}, TWO = {BIG, {CD, QFI}},
                                LUKS1 = {BIG, {PIECE(0, "LUKS\xBA\xBE\0\1")}},
                                LUKS2 = {BIG, {PIECE(0, "LUKS\xBA\xBE\0\2")}},
                                SHORT_QCOW2 = {511, {QFI}}, SHORT_ISO = {34 * 1024 - 1, {CD}},
                                BOOT = {BIG, {SIGNATURE}}, EMPTY = {0, {{0}}};

#define AS_QCOW2                                                                                   \
    "convert it with qemu-img convert -f raw -O qcow2 FILE COPY and create the image with "        \
    "--disk-format qcow2"
#define NO_FIXED                                                                                   \
    "declared vhd, and Glance takes a VHD only if it begins with its header, which a fixed one "   \
    "does not: convert it with qemu-img convert -f vpc -O vpc FILE COPY"
#define NO_FLAT                                                                                    \
    "declared vmdk, and Glance takes no flat data under that name: convert it with qemu-img "      \
    "convert -f raw -O vmdk -o subformat=streamOptimized FILE COPY"

static const struct row {
    const struct sparse_body *body;
    const char *disk_format, *container_format;
    enum glance_objection violation;
    const char *why; /* all of it */
} ROWS[] = {
    /* accepted */
    {&ZEROS, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&MBR, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&FIXED, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&FIXED_MBR, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&QCOW2, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&ISO, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&LUKS1, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&EMPTY, "raw", "bare", GLANCE_TAKES_IT, ""},
    {&QCOW2, "qcow2", "bare", GLANCE_TAKES_IT, ""},
    {&DYNAMIC, "vhd", "bare", GLANCE_TAKES_IT, ""},
    {&VHDX, "vhdx", "bare", GLANCE_TAKES_IT, ""},
    {&VDI, "vdi", "bare", GLANCE_TAKES_IT, ""},
    {&VMDK, "vmdk", "bare", GLANCE_TAKES_IT, ""},
    {&ISO, "iso", "bare", GLANCE_TAKES_IT, ""},
    {&NSR, "iso", "bare", GLANCE_TAKES_IT, ""},
    {&HYBRID, "iso", "bare", GLANCE_TAKES_IT, ""},
    {&MBR, "gpt", "bare", GLANCE_TAKES_IT, ""},
    {&ZEROS, "ami", "bare", GLANCE_TAKES_IT, ""},
    {&ZEROS, "ploop", "bare", GLANCE_TAKES_IT, ""},
    /* where it does not look */
    {&FIXED, "vhd", "ovf", GLANCE_TAKES_IT, ""},
    {&MBR, "ami", "ami", GLANCE_TAKES_IT, ""},
    {&EXTENDED, "qcow2", "docker", GLANCE_TAKES_IT, ""},
    /* a fixed VHD, flat data */
    {&FIXED, "vhd", "bare", GLANCE_MISMATCH, NO_FIXED},
    {&FIXED_MBR, "vhd", "bare", GLANCE_MISMATCH, NO_FIXED},
    {&ZEROS, "vmdk", "bare", GLANCE_MISMATCH, NO_FLAT},
    {&MBR, "vmdk", "bare", GLANCE_MISMATCH, NO_FLAT},
    /* accepted by a hypervisor under another name */
    {&VHDX, "vhd", "bare", GLANCE_MISMATCH,
     "declared vhd, and Glance sees vhdx in it: create the image with --disk-format vhdx"},
    {&QCOW2, "ami", "bare", GLANCE_MISMATCH,
     "declared ami, and Glance sees qcow2 in it: create the image with --disk-format qcow2"},
    {&HYBRID, "raw", "bare", GLANCE_MISMATCH,
     "declared raw, and Glance sees iso in it: create the image with --disk-format iso"},
    {&MBR, "ami", "bare", GLANCE_MISMATCH,
     "declared ami, and Glance sees a boot sector in it: create the image with --container-format "
     "ami, which Glance does not look into"},
    {&MBR, "aki", "bare", GLANCE_MISMATCH,
     "declared aki, and Glance sees a boot sector in it: create the image with --container-format "
     "aki, which Glance does not look into"},
    {&MBR, "ploop", "bare", GLANCE_MISMATCH,
     "declared ploop, and Glance does not see that in it: if it is the bare disk, create the image "
     "with --disk-format raw"},
    /* others */
    {&UDF, "iso", "bare", GLANCE_MISMATCH, "declared iso, and Glance sees none in it: " AS_QCOW2},
    {&ZEROS, "qcow2", "bare", GLANCE_MISMATCH,
     "declared qcow2, and Glance does not see that in it: if it is the bare disk, create the image "
     "with --disk-format raw"},
    {&ZEROS, "gpt", "bare", GLANCE_MISMATCH,
     "declared gpt, and Glance does not see that in it: if it is the bare disk, create the image "
     "with --disk-format raw"},
    {&QCOW2, "vdi", "bare", GLANCE_MISMATCH,
     "declared vdi, and Glance sees qcow2 in it: create the image with --disk-format qcow2"},
    {&LUKS1, "ami", "bare", GLANCE_MISMATCH, "declared ami, and Glance sees luks in it: " AS_QCOW2},
    {&TWO, "qcow2", "bare", GLANCE_MISMATCH,
     "Glance sees several formats in it at once, qcow2 and iso, and takes no such data"},
    {&TWO, "raw", "bare", GLANCE_MISMATCH,
     "Glance sees several formats in it at once, qcow2 and iso, and takes no such data"},
    {&SHORT_QCOW2, "qcow2", "bare", GLANCE_MISMATCH,
     "declared qcow2, and Glance does not see that in it: if it is the bare disk, create the image "
     "with --disk-format raw"},
    {&SHORT_ISO, "iso", "bare", GLANCE_MISMATCH,
     "declared iso, and Glance sees none in it: " AS_QCOW2},
    /* the safety checks use the detected format */
    {&EXTENDED, "qcow2", "bare", GLANCE_UNSAFE,
     "Glance does not know the qcow2 feature 4 (extended_l2): convert it with qemu-img convert -O "
     "qcow2 FILE COPY"},
    {&EXTENDED, "raw", "bare", GLANCE_UNSAFE,
     "Glance does not know the qcow2 feature 4 (extended_l2): convert it with qemu-img convert -O "
     "qcow2 FILE COPY"},
    {&LUKS2, "raw", "bare", GLANCE_UNSAFE, "Glance does not know version 2 of LUKS: " AS_QCOW2},
    {&QED, "raw", "bare", GLANCE_UNSAFE,
     "Glance takes no QED: convert it with qemu-img convert -f qed -O qcow2 FILE COPY and create "
     "the image with --disk-format qcow2"},
    {&BOOT, "raw", "bare", GLANCE_BOOT_SECTOR,
     "Glance sees a boot sector without a partition: " AS_QCOW2},
};

static void glance_verdict_is_predicted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct row *row = &ROWS[i];
        const struct format_declaration declaration = {.disk_format = row->disk_format,
                                                       .container_format = row->container_format};
        char why[FORMAT_WORDS];
        size_t count;
        unsigned char *opening = sparse_opening(row->body, &count);
        enum glance_objection violation = format_glance_objects(&declaration, opening, count, why);
        if (violation != row->violation || strcmp(why, row->why) != 0)
            fail_msg("row %zu, %s: %d: \"%s\"", i, row->disk_format, violation, why);
        free(opening);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(glance_verdict_is_predicted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
