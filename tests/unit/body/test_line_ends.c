/* SPDX-License-Identifier: Apache-2.0 */
#include "body/line_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char ADDED[] = "carriage return before each line feed", REMOVED[] = "removed";

static void only_disk_images_of_odd_length_are_suspected(void **state)
{
    (void)state;
    static const struct {
        const char *disk_format, *container_format;
        uint64_t length;
        bool suspected;
    } rows[] = {
        {"qcow2", "bare", 1 << 20, false}, {"qcow2", "bare", (1 << 20) + 1, true},
        {"qcow2", "bare", 511, true},      {"qcow2", "ova", 513, false},
        {"vhd", "bare", 513, true},        {"vhd", "bare", 1023, false},
        {"vhdx", "bare", 1023, true},      {"vmdk", "bare", 513, true},
        {"vdi", "bare", 513, true},        {"iso", "bare", 2049, true},
        {"raw", "bare", 513, false},       {"aki", "aki", 513, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(
            line_ends_suspected(rows[i].disk_format, rows[i].container_format, rows[i].length),
            rows[i].suspected);
}

/* `count` times `unit`, in pieces of `piece` bytes. */
static const char *counted(const char *unit, size_t count, size_t piece)
{
    size_t left = count * strlen(unit);
    char *bytes = malloc(left + 1);
    assert_non_null(bytes);
    for (char *end = bytes; end < bytes + left;)
        end = stpcpy(end, unit);
    struct line_ends ends = {0};
    for (const char *at = bytes; left; at += piece, left -= piece) {
        piece = piece < left ? piece : left;
        line_ends_add(&ends, at, piece);
        line_ends_add(&ends, at, 0);
    }
    free(bytes);
    return line_ends_converted(&ends);
}

static void conversion_is_recognised_at_every_split(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        size_t count;
        const char *words; /* NULL: nothing is said */
    } rows[] = {
        {"a\r\n", 16, ADDED},   {"a\r\n", 15, NULL},      {"\r\n", 1000, ADDED},
        {"a\r\nb\n", 16, NULL}, {"a\n", 4095, NULL},      {"a\n", 4096, REMOVED},
        {"\n", 4096, REMOVED},  {"a\n\r", 4096, REMOVED}, {"\r\n\n", 4096, NULL},
        {"a\r", 5000, NULL},
    };
    static const size_t pieces[] = {1, 2, 3, 4, 5, 7, 4096, SIZE_MAX};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            const char *words = counted(rows[i].unit, rows[i].count, pieces[k]);
            assert_int_equal(words != NULL, rows[i].words != NULL);
            assert_true(!words || strstr(words, rows[i].words));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_disk_images_of_odd_length_are_suspected),
        cmocka_unit_test(conversion_is_recognised_at_every_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
