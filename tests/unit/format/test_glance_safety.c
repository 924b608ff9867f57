/* SPDX-License-Identifier: Apache-2.0 */
#include "format/format_priv.h"

#include "support/sparse_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIZE = 4096, FIRST = 446, SECOND = 462, THIRD = 478, FOURTH = 494 };

#define V2        PIECE(0, "QFI\xFB\0\0\0\2")
#define V3        PIECE(0, "QFI\xFB\0\0\0\3")
#define SIGNATURE PIECE(510, "\x55\xAA")
/* As sgdisk and sfdisk write it. */
#define PROTECTIVE PIECE(FIRST, "\0\0\2\0\xEE\xFF\xFF\xFF\1\0\0\0")

static const struct row {
    const char *inspector;
    struct sparse_body body;
    enum glance_objection violation;
    const char *why; /* how it begins */
} ROWS[] = {
    /* qcow2: bits 0, 1 and 3 are what Glance knows besides the data file */
    {"qcow2", {SIZE, {V3}}, GLANCE_TAKES_IT, ""},
    {"qcow2", {SIZE, {V3, PIECE(79, "\x0B")}}, GLANCE_TAKES_IT, ""},
    {"qcow2", {SIZE, {V2}}, GLANCE_TAKES_IT, ""},
    {"qcow2", {SIZE, {V2, PIECE(79, "\x10")}}, GLANCE_TAKES_IT, ""},
    {"qcow2", {SIZE, {V2, PIECE(79, "\4")}}, GLANCE_UNSAFE, "it keeps its data in another file"},
    {"qcow2", {SIZE, {V3, PIECE(79, "\4")}}, GLANCE_UNSAFE, "it keeps its data in another file"},
    {"qcow2", {SIZE, {V3, PIECE(15, "\1")}}, GLANCE_UNSAFE, "it has a backing file"},
    {"qcow2",
     {SIZE, {V3, PIECE(79, "\x10")}},
     GLANCE_UNSAFE,
     "Glance does not know the qcow2 feature 4 (extended_l2)"},
    {"qcow2",
     {SIZE, {V3, PIECE(79, "\x20")}},
     GLANCE_UNSAFE,
     "Glance does not know the qcow2 feature 5: "},
    {"qcow2",
     {SIZE, {V3, PIECE(72, "\x80")}},
     GLANCE_UNSAFE,
     "Glance does not know the qcow2 feature 63: "},
    {"qcow2",
     {SIZE, {PIECE(0, "QFI\xFB\0\0\0\1")}},
     GLANCE_UNSAFE,
     "Glance does not know version 1 of qcow2"},
    /* boot sectors */
    {"gpt", {SIZE, {SIGNATURE, PIECE(FIRST + 4, "\x83")}}, GLANCE_TAKES_IT, ""},
    {"gpt", {SIZE, {SIGNATURE, PIECE(FIRST, "\x80"), PIECE(THIRD + 4, "\7")}}, GLANCE_TAKES_IT, ""},
    {"gpt", {SIZE, {SIGNATURE, PROTECTIVE}}, GLANCE_TAKES_IT, ""},
    {"gpt",
     {SIZE, {SIGNATURE}},
     GLANCE_BOOT_SECTOR,
     "Glance sees a boot sector without a partition"},
    {"gpt",
     {SIZE, {SIGNATURE, PIECE(FIRST + 4, "\x83"), PIECE(FOURTH, "\1")}},
     GLANCE_BOOT_SECTOR,
     "Glance sees a boot sector whose partition 4 is none"},
    {"gpt",
     {SIZE, {SIGNATURE, PROTECTIVE, PIECE(SECOND + 4, "\x83")}},
     GLANCE_BOOT_SECTOR,
     "Glance sees a GPT whose boot sector has other partitions"},
    {"gpt",
     {SIZE, {SIGNATURE, PIECE(SECOND, "\0\0\2\0\xEE\xFF\xFF\xFF\1")}},
     GLANCE_BOOT_SECTOR,
     "Glance sees a GPT whose boot sector has other partitions"},
    {"gpt",
     {SIZE, {SIGNATURE, PROTECTIVE, PIECE(FIRST + 8, "\2")}},
     GLANCE_BOOT_SECTOR,
     "Glance sees a GPT whose boot sector says it begins elsewhere"},
    {"gpt",
     {SIZE, {SIGNATURE, PROTECTIVE, PIECE(FIRST + 2, "\1")}},
     GLANCE_BOOT_SECTOR,
     "Glance sees a GPT whose boot sector says it begins elsewhere"},
    /* LUKS, QED, and what has none */
    {"luks", {SIZE, {PIECE(6, "\0\1")}}, GLANCE_TAKES_IT, ""},
    {"luks", {SIZE, {PIECE(6, "\0\2")}}, GLANCE_UNSAFE, "Glance does not know version 2 of LUKS"},
    {"qed", {SIZE, {{0}}}, GLANCE_UNSAFE, "Glance takes no QED"},
    {"vhd", {SIZE, {{0}}}, GLANCE_TAKES_IT, ""},
    {"raw", {SIZE, {{0}}}, GLANCE_TAKES_IT, ""},
};

static void each_safety_check_is_predicted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct row *row = &ROWS[i];
        char why[FORMAT_WORDS] = "";
        size_t count;
        unsigned char *opening = sparse_opening(&row->body, &count);
        const struct view view = {opening, count, false};
        enum glance_objection violation = glance_safety(row->inspector, &view, why);
        if (violation != row->violation || strncmp(why, row->why, strlen(row->why)) != 0 ||
            (!*row->why && *why))
            fail_msg("row %zu, %s: %d: \"%s\"", i, row->inspector, violation, why);
        free(opening);
    }
}

static void boot_sector_is_recognized(void **state)
{
    (void)state;
    static const struct {
        struct sparse_body body;
        bool seen;
    } rows[] = {
        {{SIZE, {SIGNATURE}}, true},
        {{512, {SIGNATURE}}, true},
        {{SIZE, {{0}}}, false},
        {{SIZE, {SIGNATURE, PIECE(16, "\2"), PIECE(21, "\xF8")}}, false}, /* a FAT */
        {{SIZE, {SIGNATURE, PIECE(16, "\2"), PIECE(21, "\xF0")}}, true},  /* of a floppy disk */
        {{SIZE, {SIGNATURE, PIECE(16, "\1"), PIECE(21, "\xF8")}}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t count;
        unsigned char *opening = sparse_opening(&rows[i].body, &count);
        const struct view view = {opening, count, false};
        if (glance_boot_sector(&view) != rows[i].seen)
            fail_msg("row %zu", i);
        free(opening);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_safety_check_is_predicted),
                                       cmocka_unit_test(boot_sector_is_recognized)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
