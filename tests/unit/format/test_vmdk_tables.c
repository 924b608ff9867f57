/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* As qemu-img convert -O vmdk makes one of 8 MiB: one table of 512 grains of 64 KiB. */
#define TEXT                                                                                       \
    "version=1\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\nRW 1 SPARSE \"a.vmdk\"\n"
#define HEAD                                                                                       \
    PIECE(0, "KDMV\1"), PIECE(13, "\x40"), PIECE(20, "\x80"), PIECE(28, "\1"), PIECE(36, "\x14"),  \
        PIECE(45, "\2"), PIECE(56, "\x1A"), PIECE(73, "\n \r\n"), PIECE(512, TEXT)
#define DIRECTORY PIECE(0x1A * 512, "\x1B")
#define BODY(size, ...)                                                                            \
    {                                                                                              \
        (size),                                                                                    \
        {                                                                                          \
            HEAD, __VA_ARGS__                                                                      \
        }                                                                                          \
    }

enum { MIB = 1 << 20, TABLE = 0x1B * 512 };

struct row {
    const char *what;
    struct sparse_body body;
    const char *truncated; /* a part of the text; NULL: none */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        examined_end(rows[i].what, &rows[i].body, "vmdk", rows[i].truncated);
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void last_grain_must_be_inside_the_file(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no grain", BODY(MIB, DIRECTORY), NULL},
        {"a grain at 1 MiB", BODY(MIB + 1, DIRECTORY, PIECE(TABLE + 1, "\x08")), NULL},
        {"missing", BODY(MIB, DIRECTORY, PIECE(TABLE + 1, "\x08")), "it needs 1048577"},
        {"the last of the table", BODY(MIB, DIRECTORY, PIECE(TABLE + 511 * 4 + 1, "\x10")),
         "it needs 2097153"},
        {"zeros, which have no place", BODY(MIB, DIRECTORY, PIECE(TABLE, "\1")), NULL},
        {"behind the table", BODY(MIB, DIRECTORY, PIECE(TABLE + 512 * 4 + 1, "\x10")), NULL},
        {"no directory entry", BODY(MIB, PIECE(TABLE + 1, "\x10")), NULL},
    };
    CHECK(rows);
}

static void directory_and_tables_must_be_inside_the_file(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a directory beyond the end", BODY(MIB, PIECE(57, "\x10")), "it needs 2110468"},
        {"one that is cut", BODY(2 * MIB + 6659, PIECE(57, "\x20")), "it needs"},
        {"a table beyond the end", BODY(MIB, PIECE(0x1A * 512 + 1, "\x10")), "it needs 2099200"},
        {"a table that is cut", BODY(2 * MIB + 2047, PIECE(0x1A * 512 + 1, "\x10")), "it needs"},
        {"a table at the end", BODY(2 * MIB + 2048, PIECE(0x1A * 512 + 1, "\x10")), NULL},
        {"a directory in no file", BODY(MIB, PIECE(63, "\x10")), NULL},
        {"no directory", BODY(MIB, PIECE(56, "\0"), PIECE(0, "KDMV")), NULL},
        {"no grain size", BODY(MIB, PIECE(20, "\0"), PIECE(57, "\x10")), NULL},
        {"one that is too large", BODY(MIB, PIECE(27, "\xFF"), PIECE(57, "\x10")), NULL},
        {"no entries", BODY(MIB, PIECE(45, "\0"), PIECE(57, "\x10")), NULL},
        {"too many", BODY(MIB, PIECE(47, "\1"), PIECE(57, "\x10")), NULL},
        {"more directory than is looked at", BODY(MIB, PIECE(18, "\x10"), PIECE(57, "\x10")),
         "it needs"},
    };
    CHECK(rows);
}

/* --- beyond the first 64 KiB ------------------------------------------------------------- */

enum { FAR = 0x1000, TABLE_SECTORS = 4 };

/* 64 MiB: two tables. The directory is at 2 MiB. */
#define FAR_HEAD PIECE(14, "\2"), PIECE(56, "\0\x10")
#define FAR_AT   (FAR * 512)

static void tables_further_on_are_followed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"two tables", {8 * MIB, {HEAD, FAR_HEAD, PIECE(FAR_AT, "\1\x10\0\0\5\x10")}}, NULL},
    };
    CHECK(rows);
    /* pieces of the head that the body below does without */
    struct sparse_body body = {
        8 * MIB,
        {PIECE(0, "KDMV\1\0\0\0\3\0\0\0\0\0\2\0\0\0\0\0\x80\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x14"),
         PIECE(45, "\2"), PIECE(57, "\x10"), PIECE(73, "\n \r\n"), PIECE(512, TEXT),
         PIECE(FAR_AT, "\1\x10\0\0\5\x10"), PIECE(FAR_AT + 512 + 3000 + 2, "\1")}};
    examined_end("a grain of the second one at 32 MiB", &body, "vmdk", "it needs 33554433");
    body.size = 32 * MIB + 1;
    examined_end("which is there", &body, "vmdk", NULL);
    body.size = 8 * MIB;
    body.pieces[5] = (struct piece)PIECE(FAR_AT, "\1\x10\0\0\6\x10");
    examined_end("not one behind the other", &body, "vmdk", NULL);
    body.pieces[5] = (struct piece)PIECE(FAR_AT, "\x1B\0\0\0\x1F");
    examined_end("in front of the directory", &body, "vmdk", NULL);
    body.pieces[5] = (struct piece)PIECE(FAR_AT, "\1\x80");
    examined_end("a table beyond the end", &body, "vmdk", "it needs 16779776");
}

/* 640 GiB: 20,480 tables. Their directory of 80 KiB begins in the first 64 KiB of the file. */
static void all_of_many_tables_are_followed(void **state)
{
    (void)state;
    enum { COUNT = 20480, AT = 0x1A * 512, FIRST = 2 * MIB, LAST_ENTRY = FIRST + COUNT * 2048 - 4 };
    static unsigned char directory[COUNT * 4];
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned sector = FIRST / 512 + i * TABLE_SECTORS;
        for (unsigned k = 0; k < 4; k++)
            directory[4 * i + k] = (unsigned char)(sector >> 8 * k);
    }
    struct sparse_body body = {
        256 * MIB,
        {PIECE(0, "KDMV\1\0\0\0\3\0\0\0\0\0\0\x50\0\0\0\0\x80\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x14"),
         PIECE(45, "\2"),
         PIECE(56, "\x1A"),
         PIECE(73, "\n \r\n"),
         PIECE(512, TEXT),
         {AT, directory, sizeof directory},
         PIECE(LAST_ENTRY + 3, "\1")}};
    examined_end("a grain of the last one", &body, "vmdk", "it needs 8589934593");
    body.pieces[6].at = FIRST + 2048 * 10000 + 3;
    examined_end("of one in the middle", &body, "vmdk", "it needs 8589934593");
    body.pieces[6].at = LAST_ENTRY + 7;
    examined_end("behind the last one", &body, "vmdk", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_grain_must_be_inside_the_file),
        cmocka_unit_test(directory_and_tables_must_be_inside_the_file),
        cmocka_unit_test(tables_further_on_are_followed),
        cmocka_unit_test(all_of_many_tables_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
