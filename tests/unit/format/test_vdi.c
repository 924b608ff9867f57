/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* qemu-img create -f vdi, 64 MiB */
static const char TEXT[] = "<<< QEMU VM Virtual Disk Image >>>\n";
static const char HEAD[] = "\x7F\x10\xDA\xBE\1\0\1\0\x80\1\0\0\1\0\0";
static const char SIZES[] = "\0\0\0\4\0\0\0\0\0\0\x10\0\0\0\0\0\x40";

enum { AT_HEAD = 64, AT_SIZES = 368, HEADER = 380 };

#define BASE                                                                                       \
    {0, TEXT, sizeof TEXT}, {AT_HEAD, HEAD, sizeof HEAD},                                          \
    {                                                                                              \
        AT_SIZES, SIZES, sizeof SIZES                                                              \
    }
#define WITH(...)                                                                                  \
    {                                                                                              \
        1024,                                                                                      \
        {                                                                                          \
            BASE, __VA_ARGS__                                                                      \
        }                                                                                          \
    }
#define MIB_64 (UINT64_C(64) << 20)
#define PARENT "it holds only the differences to a parent image"

static const struct examined_row ROWS[] = {
    {"as it is made", {1024, {BASE}}, "vdi", MIB_64, NULL, NULL},
    {"static", WITH(PIECE(76, "\2")), "vdi", MIB_64, NULL, NULL},
    {"undo", WITH(PIECE(76, "\3")), "vdi", MIB_64, NULL, PARENT},
    {"differencing", WITH(PIECE(76, "\4")), "vdi", MIB_64, NULL, PARENT},
    {"a fifth type", WITH(PIECE(76, "\5")), "vdi", 0, "no image type 5", NULL},
    {"no type", WITH(PIECE(76, "\0")), "vdi", 0, "no image type 0", NULL},
    {"version 0.1", WITH(PIECE(70, "\0")), "vdi", 0, "version is 0.1", NULL},
    {"blocks of one byte", WITH(PIECE(376, "\1\0\0")), "vdi", MIB_64, NULL, NULL},
    {"no blocks", WITH(PIECE(378, "\0")), "vdi", 0, "blocks", NULL},
    {"2^63 bytes", WITH(PIECE(375, "\x80")), "vdi", 0, "size", NULL},
    {"another text", WITH(PIECE(0, "<<< Oracle VM VirtualBox Disk Image >>>\n")), "vdi", MIB_64,
     NULL, NULL},
};

static void the_header_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        examined_check(&ROWS[i], "vdi");
}

static void a_header_that_is_cut_is_broken(void **state)
{
    (void)state;
    examined_cut(&ROWS[0], 68, HEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_read),
        cmocka_unit_test(a_header_that_is_cut_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
