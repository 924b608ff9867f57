/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* qemu-img create -f vpc, 64 MiB */
static const char DYNAMIC[] = "conectix\0\0\0\2\0\1\0\0\0\0\0\0\0\0\2\0\x32\x96\x5E\xC9qemu"
                              "\0\5\0\3Wi2k\0\0\0\0\4\0\x40\0\0\0\0\0\4\0\x40\0\3\xC4\x08\x11"
                              "\0\0\0\3\xFF\xFF\xEB\x85";
static const char SPARSE_HEADER[] = "cxsparse\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0\0\0\6";
/* the same with -o subformat=fixed */
static const char FIXED[] = "conectix\0\0\0\2\0\1\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x32\x96\x5E"
                            "\xC9qemu\0\5\0\3Wi2k\0\0\0\0\4\0\x40\0\0\0\0\0\4\0\x40\0\3\xC4\x08\x11"
                            "\0\0\0\2\xFF\xFF\xE6\xEC";

enum { FOOTER = 512, SIZE = 2560, FIXED_SIZE = 67125760, AT_END = FIXED_SIZE - FOOTER };

#define DISK_SIZE UINT64_C(67125248)
#define BASE                                                                                       \
    {0, DYNAMIC, sizeof DYNAMIC},                                                                  \
    {                                                                                              \
        FOOTER, SPARSE_HEADER, sizeof SPARSE_HEADER                                                \
    }
#define WITH(...)                                                                                  \
    {                                                                                              \
        SIZE,                                                                                      \
        {                                                                                          \
            BASE, __VA_ARGS__                                                                      \
        }                                                                                          \
    }
#define PARENT "it holds only the differences to a parent image"

static const struct examined_row DYNAMIC_ROWS[] = {
    {"as it is made", {SIZE, {BASE}}, "vhd", DISK_SIZE, NULL, NULL},
    {"differencing", WITH(PIECE(63, "\4")), "vhd", DISK_SIZE, NULL, PARENT},
    {"fixed, with a copy in front", WITH(PIECE(63, "\2"), PIECE(512, "x")), "vhd", DISK_SIZE, NULL,
     NULL},
    {"type 1", WITH(PIECE(63, "\1")), "vhd", 0, "no disk type 1", NULL},
    {"type 5", WITH(PIECE(63, "\5")), "vhd", 0, "no disk type 5", NULL},
    {"version 2.0", WITH(PIECE(13, "\2")), "vhd", 0, "version is 0x00020000", NULL},
    {"no dynamic header", WITH(PIECE(512, "x")), "vhd", 0, "no header of a dynamic disk", NULL},
    {"a dynamic header elsewhere", WITH(PIECE(22, "\4"), PIECE(1024, "cxsparse"), PIECE(512, "x")),
     "vhd", DISK_SIZE, NULL, NULL},
    {"a dynamic header out of sight", WITH(PIECE(16, "\1"), PIECE(512, "x")), "vhd", DISK_SIZE,
     NULL, NULL},
    {"2^63 bytes", WITH(PIECE(48, "\x80")), "vhd", 0, "size", NULL},
};

#define ON_DISK(...)                                                                               \
    {                                                                                              \
        FIXED_SIZE,                                                                                \
        {                                                                                          \
            {AT_END, FIXED, sizeof FIXED}, __VA_ARGS__                                             \
        }                                                                                          \
    }

static const struct examined_row FIXED_ROWS[] = {
    {"as it is made", {FIXED_SIZE, {{AT_END, FIXED, sizeof FIXED}}}, "vhd", DISK_SIZE, NULL, NULL},
    {"with an MBR on it", ON_DISK(PIECE(510, "\x55\xAA")), "vhd", DISK_SIZE, NULL, NULL},
    {"with a qcow2 on it", ON_DISK(PIECE(0, "QFI\xFB\0\0\0\3")), "qcow2", 0, "clusters", NULL},
    {"no footer", {FIXED_SIZE, {PIECE(510, "\x55\xAA")}}, "mbr", 0, NULL, NULL},
    {"a footer too early", {FIXED_SIZE + 1, {{AT_END, FIXED, sizeof FIXED}}}, NULL, 0, NULL, NULL},
    {"differencing", ON_DISK(PIECE(AT_END + 63, "\4")), "vhd", DISK_SIZE, NULL, PARENT},
    {"another version", ON_DISK(PIECE(AT_END + 13, "\0")), "vhd", 0, "version", NULL},
    {"within the opening",
     {4096 + FOOTER, {{4096, FIXED, sizeof FIXED}}},
     "vhd",
     DISK_SIZE,
     NULL,
     NULL},
    {"as large as nothing but its footer is", {511, {PIECE(0, "x")}}, NULL, 0, NULL, NULL},
};

static void a_dynamic_disk_begins_with_its_footer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DYNAMIC_ROWS / sizeof *DYNAMIC_ROWS; i++)
        examined_check(&DYNAMIC_ROWS[i], "raw");
}

static void a_fixed_disk_is_known_by_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FIXED_ROWS / sizeof *FIXED_ROWS; i++)
        examined_check(&FIXED_ROWS[i], "vhd");
}

static void the_end_is_looked_at_only_where_vhd_is_declared(void **state)
{
    (void)state;
    struct examined_row row = FIXED_ROWS[0];
    row.seen = NULL;
    row.size = 0;
    examined_check(&row, "raw");
    examined_check(&row, "qcow2");
}

static void a_footer_that_is_cut_is_broken(void **state)
{
    (void)state;
    examined_cut(&DYNAMIC_ROWS[0], 8, FOOTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dynamic_disk_begins_with_its_footer),
        cmocka_unit_test(a_fixed_disk_is_known_by_its_end),
        cmocka_unit_test(the_end_is_looked_at_only_where_vhd_is_declared),
        cmocka_unit_test(a_footer_that_is_cut_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
