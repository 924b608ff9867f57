/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

enum { MIB = 1 << 20 };

/* Of a disk of 1 MiB: the copy is in its last sector, 2047, or 255 where sectors have 4 KiB. */
#define HEADER(sector, copy)                                                                       \
    PIECE((sector), "EFI PART\0\0\1\0"), PIECE((sector) + 24, "\1"), PIECE((sector) + 32, copy)
#define SMALL HEADER(512, "\xFF\7")
#define LARGE HEADER(4096, "\xFF")

static void gpt_backup_is_in_the_last_sector(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct sparse_body body;
        const char *truncated; /* a part of the text; NULL: none */
    } rows[] = {
        {"whole", {MIB, {SMALL}}, NULL},
        {"longer", {MIB + 1, {SMALL}}, NULL},
        {"one byte less", {MIB - 1, {SMALL}}, "it needs 1048576"},
        {"sectors of 4 KiB", {MIB, {LARGE}}, NULL},
        {"one byte less of them", {MIB - 1, {LARGE}}, "it needs 1048576"},
        {"within the opening", {4096, {SMALL}}, "it needs 1048576"},
        {"both, of which the first counts", {MIB, {SMALL, HEADER(4096, "\xFF\xFF")}}, NULL},
        {"another revision", {4096, {SMALL, PIECE(522, "\2")}}, NULL},
        {"the copy itself, moved to the front", {4096, {SMALL, PIECE(536, "\xFF")}}, NULL},
        {"a sector that no file has",
         {4096, {SMALL, PIECE(544, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")}},
         NULL},
        {"more bytes than a file has", {4096, {SMALL, PIECE(551, "\x7F")}}, NULL},
        {"a header that is cut", {520, {SMALL}}, NULL},
        {"one that is cut before the copy's sector", {544, {SMALL}}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        examined_end(rows[i].what, &rows[i].body, "raw", rows[i].truncated);
}

/* It is a raw disk, and its size is the file's. */
static void gpt_disk_is_raw(void **state)
{
    (void)state;
    static const struct examined_row rows[] = {
        {"sectors of 512 bytes", {MIB, {SMALL}}, "gpt", 0, NULL, NULL},
        {"sectors of 4 KiB", {MIB, {LARGE}}, "gpt", 0, NULL, NULL},
        {"elsewhere", {MIB, {HEADER(1024, "\xFF\7")}}, NULL, 0, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        examined_check(&rows[i], "raw");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt_backup_is_in_the_last_sector),
        cmocka_unit_test(gpt_disk_is_raw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
