/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of the draft: other values are as if the field were not there. */
#include "intake/draft.h"

#include "intake/headers.h"
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FIELDS = 4 };

static struct headers fields(const char *const rows[FIELDS][2])
{
    struct headers headers = {0};
    for (size_t i = 0; i < FIELDS && rows[i][0]; i++)
        assert_true(headers_add(&headers, rows[i][0], rows[i][1]));
    return headers;
}

static void only_version_8_is_spoken(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool spoken;
    } rows[] = {{"8", true},   {"8;a=b", true}, {" 8 ", true}, {"08", true}, {"7", false},
                {"88", false}, {"?1", false},   {"", false},   {"-8", false}};
    struct headers headers = {0};
    assert_false(draft_spoken(&headers));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        headers = fields((const char *const[FIELDS][2]){{DRAFT_VERSION_FIELD, rows[i].value}});
        if (draft_spoken(&headers) != rows[i].spoken)
            fail_msg("'%s'", rows[i].value);
        headers_free(&headers);
    }
}

static void completeness_is_a_boolean(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum draft_completeness said;
    } rows[] = {{"?1", DRAFT_COMPLETE},   {"?0", DRAFT_INCOMPLETE}, {"?1;x", DRAFT_COMPLETE},
                {"1", DRAFT_UNSAID},      {"true", DRAFT_UNSAID},   {"?", DRAFT_UNSAID},
                {"?2", DRAFT_UNSAID},     {"?10", DRAFT_UNSAID},    {"", DRAFT_UNSAID},
                {"?1, ?0", DRAFT_UNSAID}, {";?1", DRAFT_UNSAID}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers =
            fields((const char *const[FIELDS][2]){{"upload-complete", rows[i].value}});
        if (draft_completeness(&headers) != rows[i].said)
            fail_msg("'%s'", rows[i].value);
        headers_free(&headers);
    }
    struct headers twice = fields(
        (const char *const[FIELDS][2]){{"Upload-Complete", "?1"}, {"Upload-Complete", "?1"}});
    assert_int_equal(draft_completeness(&twice), DRAFT_UNSAID);
    headers_free(&twice);
}

#define PART                                                                                       \
    {                                                                                              \
        "Content-Type", "application/partial-upload"                                               \
    }

static void part_is_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *fields[FIELDS][2];
        enum framing framing;
        enum refusal reason;
        bool known;
    } rows[] = {
        {{PART, {"Upload-Offset", "70"}, {"Upload-Complete", "?0"}},
         FRAMING_LENGTH,
         REFUSAL_NONE,
         false},
        {{PART, {"Upload-Offset", "70"}, {"Upload-Complete", "?1"}},
         FRAMING_LENGTH,
         REFUSAL_NONE,
         true},
        {{PART, {"Upload-Offset", "70"}, {"Upload-Complete", "?0"}, {"Upload-Length", "100"}},
         FRAMING_LENGTH,
         REFUSAL_NONE,
         true},
        {{PART, {"Upload-Offset", "70"}, {"Upload-Complete", "?1"}, {"Upload-Length", "101"}},
         FRAMING_LENGTH,
         REFUSAL_SIZE_MISMATCH,
         false},
        {{PART, {"Upload-Offset", "70"}, {"Upload-Complete", "?0"}, {"Upload-Length", "99"}},
         FRAMING_LENGTH,
         REFUSAL_SIZE_MISMATCH,
         false},
        {{PART, {"Upload-Offset", "70"}}, FRAMING_LENGTH, REFUSAL_BAD_REQUEST, false},
        {{PART, {"Upload-Complete", "?1"}}, FRAMING_LENGTH, REFUSAL_BAD_REQUEST, false},
        {{PART, {"Upload-Offset", "1.5"}, {"Upload-Complete", "?1"}},
         FRAMING_LENGTH,
         REFUSAL_BAD_REQUEST,
         false},
        {{PART, {"Upload-Offset", "-1"}, {"Upload-Complete", "?1"}},
         FRAMING_LENGTH,
         REFUSAL_BAD_REQUEST,
         false},
        {{PART, {"Upload-Offset", "1234567890123456"}, {"Upload-Complete", "?1"}},
         FRAMING_LENGTH,
         REFUSAL_BAD_REQUEST,
         false},
        {{{"Upload-Offset", "70"}, {"Upload-Complete", "?1"}},
         FRAMING_LENGTH,
         REFUSAL_UNSUPPORTED_CONTENT_TYPE,
         false},
        {{PART, {"Upload-Offset", "70"}, {"Upload-Complete", "?1"}},
         FRAMING_CHUNKED,
         REFUSAL_LENGTH_REQUIRED,
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers = fields(rows[i].fields);
        const struct framing_facts framing = {.framing = rows[i].framing, .length = 30};
        struct draft_part part;
        const char *detail = NULL;
        if (draft_read_part(&headers, &framing, &part, &detail) != rows[i].reason)
            fail_msg("row %zu", i);
        assert_true((detail != NULL) == (rows[i].reason != REFUSAL_NONE));
        if (!rows[i].reason) {
            assert_int_equal(part.offset, 70);
            assert_int_equal(part.count, 30);
            assert_true(part.length_known == rows[i].known);
            assert_true(!part.length_known || part.length == 100);
        }
        headers_free(&headers);
    }
}

static void creation_needs_a_length(void **state)
{
    (void)state;
    static const struct {
        const char *fields[FIELDS][2];
        enum framing framing;
        uint64_t count;
        enum refusal reason;
    } rows[] = {
        {{{"Upload-Complete", "?1"}}, FRAMING_LENGTH, 100, REFUSAL_NONE},
        {{{"Upload-Complete", "?1"}, {"Upload-Length", "100"}}, FRAMING_LENGTH, 100, REFUSAL_NONE},
        {{{"Upload-Complete", "?0"}, {"Upload-Length", "100"}}, FRAMING_NONE, 0, REFUSAL_NONE},
        {{{"Upload-Complete", "?0"}, {"Upload-Length", "100"}}, FRAMING_LENGTH, 30, REFUSAL_NONE},
        {{{"Upload-Complete", "?0"}, {"Upload-Length", "100"}},
         FRAMING_LENGTH,
         101,
         REFUSAL_SIZE_MISMATCH},
        {{{"Upload-Complete", "?1"}, {"Upload-Length", "100"}},
         FRAMING_LENGTH,
         99,
         REFUSAL_SIZE_MISMATCH},
        {{{"Upload-Complete", "?0"}}, FRAMING_LENGTH, 30, REFUSAL_LENGTH_REQUIRED},
        {{{"Upload-Complete", "?0"}, {"Upload-Length", "x"}},
         FRAMING_LENGTH,
         30,
         REFUSAL_LENGTH_REQUIRED},
        {{{"Upload-Complete", "?1"}}, FRAMING_CHUNKED, 0, REFUSAL_LENGTH_REQUIRED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers = fields(rows[i].fields);
        const struct framing_facts framing = {.framing = rows[i].framing, .length = rows[i].count};
        const char *detail = NULL;
        uint64_t length = 0;
        if (draft_read_creation(&headers, &framing, &length, &detail) != rows[i].reason)
            fail_msg("row %zu", i);
        assert_true((detail != NULL) == (rows[i].reason != REFUSAL_NONE));
        assert_true(rows[i].reason || length == 100);
        headers_free(&headers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_version_8_is_spoken),
        cmocka_unit_test(completeness_is_a_boolean),
        cmocka_unit_test(part_is_read_or_refused),
        cmocka_unit_test(creation_needs_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
