/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* qemu-img create -f qcow, 64 MiB */
static const char QCOW[] = "QFI\xFB\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0"
                           "\x0C\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\x30";

enum { HEADER = 34 };

#define WITH(...)                                                                                  \
    {                                                                                              \
        560,                                                                                       \
        {                                                                                          \
            {0, QCOW, sizeof QCOW}, __VA_ARGS__                                                    \
        }                                                                                          \
    }
#define MIB_64 (UINT64_C(64) << 20)

static const struct examined_row ROWS[] = {
    {"as it is made", {560, {{0, QCOW, sizeof QCOW}}}, "qcow", MIB_64, NULL, NULL},
    {"a backing file", WITH(PIECE(15, "\x30")), "qcow", MIB_64, NULL, "it has a backing file"},
    {"clusters of 256 bytes", WITH(PIECE(32, "\x08")), "qcow", 0, "clusters", NULL},
    {"clusters of 128 KiB", WITH(PIECE(32, "\x11")), "qcow", 0, "clusters", NULL},
    {"L2 tables of 32 entries", WITH(PIECE(33, "\5")), "qcow", 0, "clusters", NULL},
    {"L2 tables of 16384 entries", WITH(PIECE(33, "\x0E")), "qcow", 0, "clusters", NULL},
    {"the smallest of both", WITH(PIECE(32, "\x09\6")), "qcow", MIB_64, NULL, NULL},
    {"the largest of both", WITH(PIECE(32, "\x10\x0D")), "qcow", MIB_64, NULL, NULL},
    {"something in the name's length", WITH(PIECE(16, "\1")), "qcow", MIB_64, NULL, NULL},
    {"2^63 bytes", WITH(PIECE(24, "\x80")), "qcow", 0, "size", NULL},
};

static void the_header_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        examined_check(&ROWS[i], "raw");
}

static void a_header_that_is_cut_is_broken(void **state)
{
    (void)state;
    examined_cut(&ROWS[0], 8, HEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_read),
        cmocka_unit_test(a_header_that_is_cut_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
