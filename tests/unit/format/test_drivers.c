/* SPDX-License-Identifier: Apache-2.0 */
#include "format/format_priv.h"

#include "support/examined.h"

enum { BIG = 131072 };

#define QCOW2_HEAD                                                                                 \
    PIECE(0, "QFI\xFB\0\0\0\2"), PIECE(23, "\x10"), PIECE(28, "\4\0\0\0"), PIECE(39, "\1"),        \
        PIECE(45, "\3"), PIECE(53, "\1"), PIECE(59, "\1")

static const struct sparse_body ZEROS = {BIG, {{0}}}, QCOW2 = {BIG, {QCOW2_HEAD}},
                                MBR = {BIG, {PIECE(510, "\x55\xAA")}},
                                VHDX = {BIG, {PIECE(0, "vhdxfile")}},
                                GZIP = {BIG, {PIECE(0, "\x1F\x8B\x08")}},
                                ISO = {BIG, {PIECE(32768, "\0CD001\1")}},
                                HYBRID = {BIG, {PIECE(32768, "\0CD001\1"), PIECE(510, "\x55\xAA")}};

static const struct {
    const struct sparse_body *body;
    struct format_declaration declaration;
    bool takes;
    const char *named; /* a part of the text; NULL: none */
} ROWS[] = {
    /* VMware's flat vmdk */
    {&MBR, {"vmdk", "bare", {0}, "preallocated", NULL}, true, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, "thin", NULL}, true, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, "thick", NULL}, true, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, "eagerZeroedThick", NULL}, true, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, "sparse", "vmware"}, false, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, "streamOptimized", NULL}, false, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, NULL, "vmware"}, true, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, NULL, "qemu"}, false, NULL},
    {&ZEROS, {"vmdk", "bare", {0}, NULL, NULL}, false, NULL},
    {&QCOW2, {"vmdk", "bare", {0}, "preallocated", "vmware"}, false, NULL},
    {&ZEROS, {"qcow2", "bare", {0}, "preallocated", "vmware"}, false, NULL},
    /* Xen's tar of vhd files */
    {&GZIP, {"vhd", "ovf", {0}, NULL, NULL}, true, NULL},
    {&GZIP, {"vhd", "bare", {0}, NULL, "xen"}, true, NULL},
    {&GZIP, {"vhd", "bare", {0}, NULL, "hyperv"}, false, NULL},
    {&GZIP, {"vhdx", "ovf", {0}, NULL, "xen"}, false, NULL},
    /* Hyper-V's */
    {&VHDX, {"vhd", "bare", {0}, NULL, NULL}, true, "needs --disk-format vhdx"},
    {&VHDX, {"vhdx", "bare", {0}, NULL, NULL}, false, NULL},
    {&VHDX, {"raw", "bare", {0}, NULL, NULL}, false, NULL},
    /* Nova's snapshot of a server from an ami */
    {&QCOW2, {"ami", "ami", {0}, NULL, NULL}, true, "needs --disk-format qcow2"},
    {&QCOW2, {"aki", "aki", {0}, NULL, NULL}, false, NULL},
    /* a disc that is a disk, too */
    {&HYBRID, {"raw", "bare", {0}, NULL, NULL}, true, "needs --disk-format iso"},
    {&HYBRID, {"ami", "bare", {0}, NULL, NULL}, false, NULL},
    {&ISO, {"raw", "bare", {0}, NULL, NULL}, false, NULL},
};

static void hypervisor_takes_formats_its_driver_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct format_examination examination;
        char why[FORMAT_WORDS] = "";
        size_t count;
        unsigned char *opening = sparse_opening(ROWS[i].body, &count);
        format_examine(opening, count, ROWS[i].declaration.disk_format, BIG, &examination);
        const struct evidence evidence = {.declaration = &ROWS[i].declaration,
                                          .examination = &examination,
                                          .seen = examination.seen ? format_named(examination.seen)
                                                                   : NULL,
                                          .opening = {opening, count, false}};
        if (driver_accepts(&evidence) != ROWS[i].takes)
            fail_msg("row %zu", i);
        if (driver_remark(&evidence, why) != (ROWS[i].named != NULL))
            fail_msg("row %zu: \"%s\"", i, why);
        examined_said("what is named", why, ROWS[i].named);
        free(opening);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hypervisor_takes_formats_its_driver_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
