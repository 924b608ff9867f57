/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* As qemu-img makes one of 64 MiB: clusters of 64 KiB, L1 with one entry at 0x30000. L2 is at
 * 0x40000, and data may be from 0x50000 on. */
#define HEAD                                                                                       \
    PIECE(0, "QFI\xFB\0\0\0\2"), PIECE(23, "\x10"), PIECE(28, "\4\0\0\0"), PIECE(39, "\1"),        \
        PIECE(45, "\3"), PIECE(53, "\1"), PIECE(59, "\1")
#define L1(entry) PIECE(0x30000, entry)
#define L2(entry) PIECE(0x40000, entry)

enum { L1_AT = 0x30000, L2_AT = 0x40000, DATA_AT = 0x50000 };

struct row {
    const char *what;
    struct sparse_body body;
    const char *truncated, *broken; /* a part of the text; NULL: none */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct examined_row sound = {rows[i].what,       rows[i].body,   "qcow2",
                                     UINT64_C(64) << 20, rows[i].broken, NULL};
        examined_check(&sound, "qcow2");
        if (!rows[i].broken)
            examined_end(rows[i].what, &rows[i].body, "qcow2", rows[i].truncated);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void l1_must_point_inside_the_file(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"an empty L1", {L1_AT + 8, {HEAD}}, NULL, NULL},
        {"one that is cut", {L1_AT + 7, {HEAD}}, "it needs 196616", NULL},
        {"one that is missing", {L1_AT, {HEAD}}, "it needs 196616", NULL},
        {"L2 at the end", {L2_AT + 8, {HEAD, L1("\x80\0\0\0\0\4")}}, NULL, NULL},
        {"L2 beyond it", {L2_AT, {HEAD, L1("\x80\0\0\0\0\4")}}, "it needs 262152", NULL},
        {"L2 within a cluster", {L2_AT, {HEAD, L1("\x80\0\0\0\0\4\2")}}, NULL, "L1 table"},
        {"a reserved bit", {L2_AT, {HEAD, L1("\x40\0\0\0\0\4")}}, NULL, "L1 table"},
        {"the lowest bit", {L2_AT, {HEAD, L1("\0\0\0\0\0\4\0\1")}}, NULL, "L1 table"},
        {"the highest place", {L2_AT, {HEAD, L1("\0\xFF\xFF\xFF\xFF\xFF")}}, "it needs", NULL},
    };
    CHECK(rows);
}

static void l2_must_point_inside_the_file(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no data", {DATA_AT, {HEAD, L1("\x80\0\0\0\0\4")}}, NULL, NULL},
        {"a cluster at the end",
         {DATA_AT + 1, {HEAD, L1("\x80\0\0\0\0\4"), L2("\x80\0\0\0\0\5")}},
         NULL,
         NULL},
        {"one beyond it",
         {DATA_AT, {HEAD, L1("\x80\0\0\0\0\4"), L2("\x80\0\0\0\0\5")}},
         "it needs 327681",
         NULL},
        {"the last entry",
         {DATA_AT, {HEAD, L1("\x80\0\0\0\0\4"), PIECE(L2_AT + 0xFFF8, "\x80\0\0\0\0\6")}},
         "it needs 393217",
         NULL},
        {"a cluster that is zeros",
         {DATA_AT, {HEAD, L1("\x80\0\0\0\0\4"), L2("\x80\0\0\0\0\x50\0\1")}},
         NULL,
         NULL},
        {"a cluster within one",
         {DATA_AT + 1, {HEAD, L1("\x80\0\0\0\0\4"), L2("\x80\0\0\0\0\4\2")}},
         NULL,
         "no cluster begins"},
        {"a compressed one, which may be anywhere",
         {DATA_AT + 6, {HEAD, L1("\x80\0\0\0\0\4"), L2("\x40\0\0\0\0\5\0\5")}},
         NULL,
         NULL},
        {"and is beyond the end",
         {DATA_AT + 5, {HEAD, L1("\x80\0\0\0\0\4"), L2("\x40\0\0\0\0\5\0\5")}},
         "it needs 327686",
         NULL},
        {"its sectors are no part of the place",
         {DATA_AT + 6, {HEAD, L1("\x80\0\0\0\0\4"), L2("\x7F\xC0\0\0\0\5\0\5")}},
         NULL,
         NULL},
    };
    CHECK(rows);
}

/* With subclusters the second half of an entry is a bitmap. */
static void second_half_of_extended_entries_is_no_offset(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a bitmap is no place",
         {DATA_AT + 0x10000,
          {HEAD, PIECE(7, "\3"), PIECE(79, "\x10"), PIECE(99, "\4"), PIECE(103, "\x68"),
           L1("\x80\0\0\0\0\4"), PIECE(L2_AT + 8, "\x80\0\0\0\0\x50\2")}},
         NULL,
         NULL},
        {"a place is one",
         {DATA_AT,
          {HEAD, PIECE(7, "\3"), PIECE(79, "\x10"), PIECE(99, "\4"), PIECE(103, "\x68"),
           L1("\x80\0\0\0\0\4"), PIECE(L2_AT + 16, "\x80\0\0\0\0\x50")}},
         "it needs 5242881",
         NULL},
    };
    CHECK(rows);
}

/* L2 is looked at for the last entry of L1 only, and never by going back. */
static void table_ranges_are_requested_in_order(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"L2 in front of L1",
         {L1_AT + 8, {HEAD, L1("\x80\0\0\0\0\2"), PIECE(0x20000, "\x80\0\0\0\0\x50")}},
         NULL,
         NULL},
        {"L2 within the opening",
         {L1_AT + 8, {HEAD, L1("\x80\0\0\0\0\0"), PIECE(0x8000, "\x80\0\0\0\0\x50")}},
         NULL,
         NULL},
        {"the first of two",
         {DATA_AT,
          {HEAD, PIECE(39, "\2"), L1("\x80\0\0\0\0\4\0\0\x80\0\0\0\0\4"), L2("\x80\0\0\0\0\5")}},
         "it needs 327681",
         NULL},
    };
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l1_must_point_inside_the_file),
        cmocka_unit_test(l2_must_point_inside_the_file),
        cmocka_unit_test(second_half_of_extended_entries_is_no_offset),
        cmocka_unit_test(table_ranges_are_requested_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
