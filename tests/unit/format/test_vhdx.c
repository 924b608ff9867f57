/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* qemu-img create -f vhdx, 64 MiB */
static const char REGIONS[] = "regi\x83\xCE\x6F\x2C\2\0\0\0\0\0\0\0"
                              "\x66\x77\xC2\x2D\x23\xF6\0\x42\x9D\x64\x11\x5E\x9B\xFD\x4A\x08"
                              "\0\0\x20\0\0\0\0\0\0\0\x10\0\0\0\0\0"
                              "\6\xA2\x7C\x8B\x90\x47\x9A\x4B\xB8\xFE\x57\x5F\5\x0F\x88\x6E"
                              "\0\0\x30\0\0\0\0\0\0\0\x10\0\0\0\0";
static const char METADATA[] = "metadata\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\x37\x67\xA1\xCA\x36\xFA\x43\x4D\xB3\xB6\x33\xF0\xAA\x44\xE7\x6B"
                               "\0\0\1\0\x08\0\0\0\4\0\0\0\0\0\0\0"
                               "\x24\x42\xA5\x2F\x1B\xCD\x76\x48\xB2\x11\x5D\xBE\xD8\x3B\xF4\xB8"
                               "\x08\0\1\0\x08\0\0\0\6\0\0\0\0\0\0";
static const char ITEMS[] = "\0\0\x80\0\0\0\0\0\0\0\0\4\0\0\0";

enum {
    SIZE = 8388608,
    KIB = 1024,
    AT_REGIONS = 192 * KIB,
    AT_COPY = 256 * KIB,
    AT_METADATA = 3072 * KIB,
    AT_ITEMS = AT_METADATA + 64 * KIB
};

#define VHDX(...)                                                                                  \
    {                                                                                              \
        SIZE,                                                                                      \
        {                                                                                          \
            PIECE(0, "vhdxfile"), __VA_ARGS__                                                      \
        }                                                                                          \
    }
#define FIRST                                                                                      \
    {                                                                                              \
        AT_REGIONS, REGIONS, sizeof REGIONS                                                        \
    }
#define COPY                                                                                       \
    {                                                                                              \
        AT_COPY, REGIONS, sizeof REGIONS                                                           \
    }
#define TABLE                                                                                      \
    {                                                                                              \
        AT_METADATA, METADATA, sizeof METADATA                                                     \
    }
#define DATA                                                                                       \
    {                                                                                              \
        AT_ITEMS, ITEMS, sizeof ITEMS                                                              \
    }
#define WITH(...) VHDX(FIRST, TABLE, DATA, __VA_ARGS__)
#define MIB_64    (UINT64_C(64) << 20)
#define PARENT    "it holds only the differences to a parent image"
/* the offsets of the two items in the metadata table */
#define PARAMETERS_AT(text) PIECE(AT_METADATA + 48, text)
#define SIZE_AT(text)       PIECE(AT_METADATA + 80, text)

static const struct examined_row ROWS[] = {
    {"as it is made", VHDX(FIRST, COPY, TABLE, DATA), "vhdx", MIB_64, NULL, NULL},
    {"the region table's copy", VHDX(COPY, TABLE, DATA), "vhdx", MIB_64, NULL, NULL},
    {"no region table", VHDX(TABLE, DATA), "vhdx", 0, "it has no region table", NULL},
    {"no metadata region", WITH(PIECE(AT_REGIONS + 48, "x")), "vhdx", 0, "no metadata", NULL},
    {"a region that is not counted", WITH(PIECE(AT_REGIONS + 8, "\1")), "vhdx", 0, "no metadata",
     NULL},
    {"more regions than there can be", WITH(PIECE(AT_REGIONS + 8, "\xFF\xFF\xFF\xFF")), "vhdx",
     MIB_64, NULL, NULL},
    {"metadata within the first MiB", WITH(PIECE(AT_REGIONS + 66, "\x08")), "vhdx", 0,
     "no metadata", NULL},
    {"metadata right behind the first MiB",
     VHDX(FIRST, DATA, PIECE(AT_REGIONS + 66, "\x10"), {1024 * KIB, METADATA, sizeof METADATA},
          {1088 * KIB, ITEMS, sizeof ITEMS}),
     "vhdx", MIB_64, NULL, NULL},
    {"metadata at 2^63", WITH(PIECE(AT_REGIONS + 71, "\x80")), "vhdx", 0, "no metadata", NULL},
    {"metadata behind the end", WITH(PIECE(AT_REGIONS + 68, "\1")), "vhdx", 0, "ends in the middle",
     NULL},
    {"metadata without their mark", WITH(PIECE(AT_METADATA, "x")), "vhdx", 0, "incomplete", NULL},
    {"no parameters", WITH(PIECE(AT_METADATA + 32, "x")), "vhdx", 0, "incomplete", NULL},
    {"no size", WITH(PIECE(AT_METADATA + 64, "x")), "vhdx", 0, "incomplete", NULL},
    {"parameters in the table", WITH(PARAMETERS_AT("\xFF\xFF\0\0")), "vhdx", 0, "incomplete", NULL},
    {"a size far away", WITH(SIZE_AT("\1\0\0\1")), "vhdx", 0, "incomplete", NULL},
    {"both in one place", WITH(SIZE_AT("\0")), "vhdx", 0, "incomplete", NULL},
    {"one over the other", WITH(SIZE_AT("\7")), "vhdx", 0, "incomplete", NULL},
    {"the size first", WITH(PARAMETERS_AT("\x10")), "vhdx", MIB_64, NULL, NULL},
    {"the size first, and a parent", WITH(PARAMETERS_AT("\x10"), PIECE(AT_ITEMS + 20, "\2")),
     "vhdx", MIB_64, NULL, PARENT},
    {"a parent", WITH(PIECE(AT_ITEMS + 4, "\2")), "vhdx", MIB_64, NULL, PARENT},
    {"blocks that stay allocated", WITH(PIECE(AT_ITEMS + 4, "\1")), "vhdx", MIB_64, NULL, NULL},
    {"the items far from each other",
     WITH(SIZE_AT("\0\0\x10"), PIECE(AT_METADATA + 1024 * KIB, "\0\0\0\x08")), "vhdx",
     UINT64_C(128) << 20, NULL, NULL},
    {"a size as far away as may be",
     WITH(SIZE_AT("\0\0\0\1"), PIECE(AT_METADATA + 16384 * KIB, "\0\0\0\x08")), "vhdx", 0,
     "ends in the middle", NULL},
    {"2^63 bytes", WITH(PIECE(AT_ITEMS + 15, "\x80")), "vhdx", 0, "size", NULL},
};

static void the_tables_lead_to_the_size_and_the_parent(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        examined_check(&ROWS[i], "vhdx");
}

static void truncated_vhdx_is_broken(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {8,
                                     FORMAT_OPENING - 1,
                                     FORMAT_OPENING,
                                     AT_REGIONS,
                                     AT_REGIONS + 64,
                                     AT_REGIONS + 71,
                                     AT_METADATA,
                                     AT_METADATA + 80,
                                     AT_ITEMS,
                                     AT_ITEMS + 7,
                                     AT_ITEMS + 8,
                                     AT_ITEMS + 15};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct sparse_body body = ROWS[0].body;
        struct format_examination examination;
        body.size = sizes[i];
        sparse_examine(&body, "vhdx", &examination);
        assert_string_not_equal(examination.broken, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_lead_to_the_size_and_the_parent),
        cmocka_unit_test(truncated_vhdx_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
