/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* qemu-img create -f qed, 64 MiB */
static const char QED[] = "QED\0\0\0\1\0\4\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                          "\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0";

enum { HEADER = 64 };

#define WITH(...)                                                                                  \
    {                                                                                              \
        327680,                                                                                    \
        {                                                                                          \
            {0, QED, sizeof QED}, __VA_ARGS__                                                      \
        }                                                                                          \
    }
#define MIB_64 (UINT64_C(64) << 20)

static const struct examined_row ROWS[] = {
    {"as it is made", {327680, {{0, QED, sizeof QED}}}, "qed", MIB_64, NULL, NULL},
    {"a backing file",
     WITH(PIECE(16, "\1"), PIECE(56, "\x80\0\0\0\x0B"), PIECE(128, "/etc/passwd")), "qed", MIB_64,
     NULL, "it has a backing file, /etc/passwd"},
    {"a backing file that is far away", WITH(PIECE(16, "\1"), PIECE(58, "\1\0\x0B")), "qed", MIB_64,
     NULL, "it has a backing file"},
    {"a name, but no backing file", WITH(PIECE(56, "\x80\0\0\0\x0B")), "qed", MIB_64, NULL, NULL},
    {"clusters of 2 KiB", WITH(PIECE(4, "\0\x08\0\0")), "qed", 0, "clusters", NULL},
    {"clusters of 4 KiB", WITH(PIECE(4, "\0\x10\0\0")), "qed", MIB_64, NULL, NULL},
    {"clusters of 64 MiB", WITH(PIECE(4, "\0\0\0\4")), "qed", MIB_64, NULL, NULL},
    {"clusters of 12 KiB", WITH(PIECE(4, "\0\x30\0\0")), "qed", 0, "clusters", NULL},
    {"clusters of 128 MiB", WITH(PIECE(4, "\0\0\0\x08")), "qed", 0, "clusters", NULL},
    {"2^63 bytes", WITH(PIECE(55, "\x80")), "qed", 0, "size", NULL},
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
    examined_cut(&ROWS[0], 4, HEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_read),
        cmocka_unit_test(a_header_that_is_cut_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
