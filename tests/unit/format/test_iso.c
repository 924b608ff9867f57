/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

#define ISO(...)                                                                                   \
    {                                                                                              \
        368640,                                                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* As genisoimage writes it. */
#define PRIMARY PIECE(32768, "\1CD001\1"), PIECE(32896, "\0\x08\x08\0")
#define MBR     PIECE(510, "\x55\xAA")

static const struct examined_row ROWS[] = {
    {"ISO 9660", ISO(PRIMARY), "iso", 0, NULL, NULL},
    {"with a boot sector in front", ISO(PRIMARY, MBR), "iso", 0, NULL, NULL},
    {"with a GPT in front", ISO(PRIMARY, MBR, PIECE(512, "EFI PART")), "iso", 0, NULL, NULL},
    {"with text in front", ISO(PRIMARY, PIECE(0, "text")), "iso", 0, NULL, NULL},
    {"a boot record first", ISO(PIECE(32768, "\0CD001\1")), "iso", 0, NULL, NULL},
    {"UDF only", ISO(PIECE(32768, "\0BEA01\1")), "iso", 0, NULL, NULL},
    {"version 2", ISO(PIECE(32768, "\1CD001\2")), NULL, 0, NULL, NULL},
    {"type 4", ISO(PIECE(32768, "\4CD001\1")), NULL, 0, NULL, NULL},
    {"type 255",
     ISO(PIECE(32768, "\xFF"
                      "CD001\1")),
     "iso", 0, NULL, NULL},
    {"two sizes of a block", ISO(PIECE(32768, "\1CD001\1"), PIECE(32896, "\0\x08\x04\0")), NULL, 0,
     NULL, NULL},
    {"no size of a block", ISO(PIECE(32768, "\1CD001\1")), NULL, 0, NULL, NULL},
    {"elsewhere", ISO(PIECE(32769, "\1CD001\1")), NULL, 0, NULL, NULL},
    {"cut in front of its magic", {32773, {PRIMARY}}, NULL, 0, NULL, NULL},
    {"cut behind the magic", {32774, {PRIMARY}}, NULL, 0, NULL, NULL},
    {"cut in front of the size of a block", {32899, {PRIMARY}}, NULL, 0, NULL, NULL},
    {"cut behind it", {32900, {PRIMARY}}, "iso", 0, NULL, NULL},
};

static void a_volume_descriptor_makes_an_iso(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        examined_check(&ROWS[i], "iso");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_volume_descriptor_makes_an_iso),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
