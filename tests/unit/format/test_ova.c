/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

#define HEAD(at, type) PIECE((at) + 156, type), PIECE((at) + 257, "ustar")
#define SIZE(at, size) PIECE((at) + 124, size)
#define NAME_96                                                                                    \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaa"

static const struct examined_row ROWS[] = {
    {"an OVA", {10240, {PIECE(0, "vm.ovf"), HEAD(0, "0")}}, "ova", 0, NULL, NULL},
    {"upper case", {10240, {PIECE(0, "VM.OVF"), HEAD(0, "0")}}, "ova", 0, NULL, NULL},
    {"the disk first", {10240, {PIECE(0, "vm.vmdk"), HEAD(0, "0")}}, "tar", 0, NULL, NULL},
    {"no name but .ovf", {10240, {PIECE(0, ".ovf"), HEAD(0, "0")}}, "tar", 0, NULL, NULL},
    {"the longest name", {10240, {PIECE(0, NAME_96 ".ovf"), HEAD(0, "0")}}, "ova", 0, NULL, NULL},
    {"a name that goes on in what is not the name",
     {10240, {PIECE(0, NAME_96 "aa.ovf"), HEAD(0, "0")}},
     "tar",
     0,
     NULL,
     NULL},
    {"behind what pax says of it",
     {10240,
      {PIECE(0, "PaxHeader"), HEAD(0, "x"), SIZE(0, "00000000034"), PIECE(1024, "vm.ovf"),
       HEAD(1024, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"behind 513 bytes of it",
     {10240,
      {PIECE(0, "PaxHeader"), HEAD(0, "x"), SIZE(0, "00000001001"), PIECE(1536, "vm.ovf"),
       HEAD(1536, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"behind 511 bytes of it",
     {10240,
      {PIECE(0, "PaxHeader"), HEAD(0, "x"), SIZE(0, "00000000777"), PIECE(1024, "vm.ovf"),
       HEAD(1024, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"behind 4 KiB of it, said in all 12 digits",
     {10240,
      {PIECE(0, "PaxHeader"), HEAD(0, "x"), SIZE(0, "000000010000"), PIECE(4608, "vm.ovf"),
       HEAD(4608, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"behind all that may be said of it",
     {10240,
      {PIECE(0, "a"), HEAD(0, "g"), PIECE(512, "a"), HEAD(512, "x"), PIECE(1024, "a"),
       HEAD(1024, "x"), PIECE(1536, "vm.ovf")}},
     "ova",
     0,
     NULL,
     NULL},
    {"behind its manifest",
     {10240, {PIECE(0, "vm.mf"), HEAD(0, "0"), PIECE(512, "vm.ovf"), HEAD(512, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"behind its manifest and another file",
     {10240,
      {PIECE(0, "vm.mf"), HEAD(0, "0"), PIECE(512, "vm.vmdk"), HEAD(512, "0"),
       PIECE(1024, "vm.ovf"), HEAD(1024, "0")}},
     "tar",
     0,
     NULL,
     NULL},
    {"its name in pax's words only",
     {10240,
      {PIECE(0, "PaxHeader"), HEAD(0, "x"), SIZE(0, "00000000017"), PIECE(512, "15 path=vm.ovf\n"),
       PIECE(1024, "vm.o"), HEAD(1024, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"its name in GNU tar's words only",
     {10240,
      {PIECE(0, "././@LongLink"), HEAD(0, "L"), SIZE(0, "00000000006"), PIECE(512, "vm.ovf"),
       PIECE(1024, "vm.o"), HEAD(1024, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"a tar of Unix v7",
     {10240,
      {PIECE(0, "vm.ovf"), PIECE(124, "00000000001 "), PIECE(148, "0002675"), PIECE(156, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"the same with another checksum",
     {10240,
      {PIECE(0, "vm.ovf"), PIECE(124, "00000000001 "), PIECE(148, "0002676"), PIECE(156, "0")}},
     NULL,
     0,
     NULL,
     NULL},
    {"behind a long row of that",
     {10240,
      {PIECE(0, "a"), HEAD(0, "g"), PIECE(668, "x"), PIECE(1180, "x"), PIECE(1692, "x"),
       PIECE(2048, "vm.ovf")}},
     "ova",
     0,
     NULL,
     NULL},
    {"behind what GNU tar says of it",
     {10240,
      {PIECE(0, "././@LongLink"), HEAD(0, "L"), SIZE(0, "00000000001"), PIECE(1024, "vm.ovf"),
       HEAD(1024, "0")}},
     "ova",
     0,
     NULL,
     NULL},
    {"nothing but that", {512, {PIECE(0, "vm.ovf"), HEAD(0, "x")}}, "tar", 0, NULL, NULL},
    {"that, and more of it than there are bytes",
     {10240, {PIECE(0, "a"), HEAD(0, "x"), SIZE(0, "777777777777")}},
     "tar",
     0,
     NULL,
     NULL},
    {"only said of the next, for ever",
     {10240,
      {PIECE(0, "vm.ovf"), HEAD(0, "x"), PIECE(512, "vm.ovf"), HEAD(512, "g"),
       PIECE(1024, "vm.ovf"), HEAD(1024, "x")}},
     "tar",
     0,
     NULL,
     NULL},
    {"cut in its head", {511, {PIECE(0, "vm.ovf"), HEAD(0, "0")}}, "tar", 0, NULL, NULL},
};

static void an_ova_is_a_tar_that_begins_with_its_ovf(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        examined_check(&ROWS[i], "vmdk");
}

static void ova_must_have_all_its_members(void **state)
{
    (void)state;
    /* a disk of 0x100000 bytes after the .ovf, and one block of zeros */
    struct sparse_body body = {1051136,
                               {PIECE(0, "vm.ovf"), HEAD(0, "0"), PIECE(512, "vm.vmdk"),
                                HEAD(512, "0"), SIZE(512, "00004000000")}};
    examined_end("whole", &body, "vmdk", NULL);
    body.size += 70000;
    examined_end("with more behind it", &body, "vmdk", NULL);
    body.size = 1049600 + 511;
    examined_end("without its end", &body, "vmdk", "needs 1050112");
    body.size = 500000;
    examined_end("without half of its disk", &body, "vmdk", "needs 1050112");
    struct sparse_body two = {2101760,
                              {PIECE(0, "vm.ovf"), HEAD(0, "0"), PIECE(512, "a.vmdk"),
                               HEAD(512, "0"), SIZE(512, "00004000000"), PIECE(1049600, "b.vmdk"),
                               HEAD(1049600, "0"), SIZE(1049600, "00004000000")}};
    examined_end("two disks", &two, "vmdk", NULL);
    two.size = 1500000;
    examined_end("without half of its second disk", &two, "vmdk", "needs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ova_must_have_all_its_members),
        cmocka_unit_test(an_ova_is_a_tar_that_begins_with_its_ovf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
