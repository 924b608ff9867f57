/* SPDX-License-Identifier: Apache-2.0 */
#include "body/multipart_delimiter.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BLANKS "                                                                "

static_assert(sizeof BLANKS - 1 == DELIMITER_PADDING_MAX, "as many as there may be");

struct vector {
    const char *bytes;
    enum mark mark;
    size_t at;
    size_t behind; /* of PART and CLOSE */
};

/* The boundary is BCD. */
static const struct vector HUNTS[] = {
    {"", MARK_UNDECIDED, 0, 0},
    {"x", MARK_UNDECIDED, 1, 0},
    {"x\r", MARK_UNDECIDED, 1, 0},
    {"\r\r\r", MARK_UNDECIDED, 2, 0},
    {"x\r\n", MARK_UNDECIDED, 1, 0},
    {"x\r\n-", MARK_UNDECIDED, 1, 0},
    {"x\r\n--BC", MARK_UNDECIDED, 1, 0},
    {"x\r\n--BX", MARK_UNDECIDED, 7, 0},
    {"x\n--BCD--", MARK_UNDECIDED, 9, 0},
    {"x\r\n--BCD", MARK_UNDECIDED, 1, 0},
    {"x\r\n--BCD-", MARK_UNDECIDED, 1, 0},
    {"x\r\n--BCD--", MARK_CLOSE, 1, 10},
    {"x\r\n--BCD--y", MARK_CLOSE, 1, 10},
    {"x\r\n--BCD-y", MARK_UNDECIDED, 10, 0},
    {"x\r\n--BCD\r", MARK_UNDECIDED, 1, 0},
    {"x\r\n--BCD\r\n", MARK_PART, 1, 8},
    {"x\r\n--BCD\r\r\n", MARK_UNDECIDED, 9, 0},
    {"x\r\n--BCD \t\r\n", MARK_PART, 1, 10},
    {"x\r\n--BCD \t", MARK_UNDECIDED, 1, 0},
    {"x\r\n--BCD \t\r", MARK_UNDECIDED, 1, 0},
    {"x\r\n--BCD --", MARK_UNDECIDED, 11, 0},
    {"\r\n--BCD" BLANKS "\r\n", MARK_PART, 0, 7 + DELIMITER_PADDING_MAX},
    {"\r\n--BCD" BLANKS "\r", MARK_UNDECIDED, 0, 0},
    {"\r\n--BCD" BLANKS " \r\n", MARK_UNDECIDED, 8 + DELIMITER_PADDING_MAX, 0},
    {"\r\n--BCDx\r\n--BCD\r\n", MARK_PART, 8, 15},
    {"\r\n--BCD\r\r\n--BCD--", MARK_CLOSE, 8, 17},
    {"\r\n--BC\r\n--BCD--", MARK_CLOSE, 6, 15},
    {"\r\n--BCDx\r\n--B", MARK_UNDECIDED, 8, 0},
};

/* At the very beginning there is no CRLF in front. */
static const struct vector FIRSTS[] = {
    {"", MARK_UNDECIDED, 0, 0},         {"-", MARK_UNDECIDED, 0, 0},
    {"--BCD", MARK_UNDECIDED, 0, 0},    {"--BCD\r", MARK_UNDECIDED, 0, 0},
    {"--BCD\r\n", MARK_PART, 0, 5},     {"--BCD \r\n", MARK_PART, 0, 6},
    {"--BCD--", MARK_CLOSE, 0, 7},      {"--BCDx", MARK_NONE, 0, 0},
    {"--BX", MARK_NONE, 0, 0},          {"x", MARK_NONE, 0, 0},
    {"\r\n--BCD\r\n", MARK_NONE, 0, 0},
};

static void check(const struct vector *vector, struct sighting seen)
{
    bool found = seen.mark == MARK_PART || seen.mark == MARK_CLOSE;
    if (seen.mark != vector->mark || (seen.mark != MARK_NONE && seen.at != vector->at) ||
        (found && seen.behind != vector->behind))
        fail_msg("\"%s\": %d at %zu, behind %zu", vector->bytes, seen.mark, seen.at, seen.behind);
}

static void delimiter_is_found(void **state)
{
    (void)state;
    struct delimiter delimiter;
    delimiter_init(&delimiter, "BCD");
    for (size_t i = 0; i < sizeof HUNTS / sizeof *HUNTS; i++)
        check(&HUNTS[i], delimiter_find(&delimiter, HUNTS[i].bytes, 0, strlen(HUNTS[i].bytes)));
}

static void search_goes_on_from_a_given_point(void **state)
{
    (void)state;
    struct delimiter delimiter;
    static const char bytes[] = "\r\n--BCD\r\n\r\n--BCD--";
    delimiter_init(&delimiter, "BCD");
    struct sighting seen = delimiter_find(&delimiter, bytes, 1, sizeof bytes - 1);
    assert_int_equal(seen.mark, MARK_CLOSE);
    assert_int_equal(seen.at, 9);
    seen = delimiter_find(&delimiter, bytes, sizeof bytes - 1, sizeof bytes - 1);
    assert_int_equal(seen.mark, MARK_UNDECIDED);
    assert_int_equal(seen.at, sizeof bytes - 1);
}

static void first_delimiter_is_recognized(void **state)
{
    (void)state;
    struct delimiter delimiter;
    delimiter_init(&delimiter, "BCD");
    for (size_t i = 0; i < sizeof FIRSTS / sizeof *FIRSTS; i++)
        check(&FIRSTS[i], delimiter_at_start(&delimiter, FIRSTS[i].bytes, strlen(FIRSTS[i].bytes)));
}

/* No more than this is left over, whatever follows. */
static void leftover_is_shorter_than_the_delimiter(void **state)
{
    (void)state;
    struct delimiter delimiter;
    char boundary[MULTIPART_BOUNDARY_MAX + 1] = "";
    char bytes[DELIMITER_HOLD_MAX + 1];
    memset(boundary, 'x', MULTIPART_BOUNDARY_MAX);
    delimiter_init(&delimiter, boundary);
    assert_int_equal(delimiter.length, DELIMITER_MAX);
    memset(bytes, ' ', sizeof bytes);
    memcpy(bytes, delimiter.text, delimiter.length);
    bytes[DELIMITER_HOLD_MAX - 1] = '\r';
    assert_int_equal(delimiter_find(&delimiter, bytes, 0, DELIMITER_HOLD_MAX).at, 0);
    assert_int_equal(delimiter_find(&delimiter, bytes, 0, DELIMITER_HOLD_MAX + 1).at,
                     DELIMITER_HOLD_MAX + 1);
    bytes[DELIMITER_HOLD_MAX - 1] = ' ';
    assert_int_equal(delimiter_find(&delimiter, bytes, 0, DELIMITER_HOLD_MAX).at,
                     DELIMITER_HOLD_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delimiter_is_found),
        cmocka_unit_test(search_goes_on_from_a_given_point),
        cmocka_unit_test(first_delimiter_is_recognized),
        cmocka_unit_test(leftover_is_shorter_than_the_delimiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
