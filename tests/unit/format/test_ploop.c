/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* qemu-img create -f parallels, 64 MiB */
static const char PLOOP[] = "WithouFreSpacExt\2\0\0\0\x10\0\0\0\0\1\0\0\0\x08\0\0\x40\0\0\0\0\0\2\0"
                            "\0\0\0\0\0\0\0\0\0\x08\0";

enum { HEADER = 44 };

#define WITH(...)                                                                                  \
    {                                                                                              \
        1048576,                                                                                   \
        {                                                                                          \
            {0, PLOOP, sizeof PLOOP}, __VA_ARGS__                                                  \
        }                                                                                          \
    }
#define MIB_64 (UINT64_C(64) << 20)

static const struct examined_row ROWS[] = {
    {"as it is made", {1048576, {{0, PLOOP, sizeof PLOOP}}}, "ploop", MIB_64, NULL, NULL},
    {"the older magic", WITH(PIECE(0, "WithoutFreeSpace")), "ploop", MIB_64, NULL, NULL},
    {"the older magic, and other things behind 32 bits",
     WITH(PIECE(0, "WithoutFreeSpace"), PIECE(40, "\1")), "ploop", MIB_64, NULL, NULL},
    {"2 TiB and more", WITH(PIECE(40, "\1")), "ploop", (UINT64_C(1) << 41) + MIB_64, NULL, NULL},
    {"more than there can be", WITH(PIECE(43, "\1")), "ploop", 0, "size", NULL},
    {"version 3", WITH(PIECE(16, "\3")), "ploop", 0, "version is 3", NULL},
    {"no clusters", WITH(PIECE(28, "\0\0")), "ploop", 0, "clusters", NULL},
};

static void the_header_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        examined_check(&ROWS[i], "ploop");
}

static void a_header_that_is_cut_is_broken(void **state)
{
    (void)state;
    examined_cut(&ROWS[0], 16, HEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_read),
        cmocka_unit_test(a_header_that_is_cut_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
