/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of tus: what its clients send is read, and everything else is refused. */
#include "intake/tus.h"

#include "intake/headers.h"
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FIELDS = 4 };

struct row {
    const char *fields[FIELDS][2];
    enum framing framing;
    uint64_t length;
    enum refusal reason;
};

static void fill(const struct row *row, struct headers *out, struct framing_facts *framing)
{
    *out = (struct headers){0};
    *framing = (struct framing_facts){.framing = row->framing, .length = row->length};
    for (size_t i = 0; i < FIELDS && row->fields[i][0]; i++)
        assert_true(headers_add(out, row->fields[i][0], row->fields[i][1]));
}

#define PART                                                                                       \
    {                                                                                              \
        "content-type", "application/offset+octet-stream"                                          \
    }

static void part_is_read(void **state)
{
    (void)state;
    struct headers headers;
    struct framing_facts framing;
    struct tus_part part;
    const char *detail = NULL;
    static const struct row rows[] = {
        {{PART, {"upload-offset", "70"}}, FRAMING_LENGTH, 30, REFUSAL_NONE},
        {{{"Content-Type", "Application/Offset+Octet-Stream"}, {"Upload-Offset", "070"}},
         FRAMING_LENGTH,
         30,
         REFUSAL_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fill(&rows[i], &headers, &framing);
        assert_int_equal(tus_read_part(&headers, &framing, &part, &detail), REFUSAL_NONE);
        assert_int_equal(part.offset, 70);
        assert_int_equal(part.count, 30);
        headers_free(&headers);
    }
}

static void faulty_part_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{PART}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", ""}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "+1"}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "-1"}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", " 1"}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "1 "}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "0x1"}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "9223372036854775808"}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "99999999999999999999"}}, FRAMING_LENGTH, 1, REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "1"}, {"Upload-Offset", "1"}},
         FRAMING_LENGTH,
         1,
         REFUSAL_BAD_REQUEST},
        {{PART, {"Upload-Offset", "1"}}, FRAMING_CHUNKED, 0, REFUSAL_LENGTH_REQUIRED},
        {{{"Upload-Offset", "1"}}, FRAMING_LENGTH, 1, REFUSAL_UNSUPPORTED_CONTENT_TYPE},
        {{PART, PART, {"Upload-Offset", "1"}}, FRAMING_LENGTH, 1, REFUSAL_UNSUPPORTED_CONTENT_TYPE},
        {{{"Content-Type", "application/octet-stream"}, {"Upload-Offset", "1"}},
         FRAMING_LENGTH,
         1,
         REFUSAL_UNSUPPORTED_CONTENT_TYPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers;
        struct framing_facts framing;
        struct tus_part part;
        const char *detail = NULL;
        fill(&rows[i], &headers, &framing);
        if (tus_read_part(&headers, &framing, &part, &detail) != rows[i].reason)
            fail_msg("row %zu", i);
        assert_non_null(detail);
        headers_free(&headers);
    }
}

static void creation_is_read_or_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{"Upload-Length", "100"}}, FRAMING_NONE, 0, REFUSAL_NONE},
        {{{"Upload-Length", "100"}, {"Content-Type", "text/plain"}},
         FRAMING_LENGTH,
         0,
         REFUSAL_NONE},
        {{{"Upload-Length", "100"}, PART}, FRAMING_LENGTH, 100, REFUSAL_NONE},
        {{{"Upload-Length", "100"}, PART}, FRAMING_LENGTH, 101, REFUSAL_SIZE_MISMATCH},
        {{{"Upload-Length", "100"}, PART}, FRAMING_CHUNKED, 0, REFUSAL_LENGTH_REQUIRED},
        {{{"Upload-Length", "100"}}, FRAMING_LENGTH, 1, REFUSAL_UNSUPPORTED_CONTENT_TYPE},
        {{{"Upload-Defer-Length", "1"}}, FRAMING_NONE, 0, REFUSAL_LENGTH_REQUIRED},
        {{{"Upload-Defer-Length", "1"}, {"Upload-Length", "100"}},
         FRAMING_NONE,
         0,
         REFUSAL_LENGTH_REQUIRED},
        {{{NULL}}, FRAMING_NONE, 0, REFUSAL_LENGTH_REQUIRED},
        {{{"Upload-Length", "1e2"}}, FRAMING_NONE, 0, REFUSAL_BAD_REQUEST},
        {{{"Upload-Length", "100"}, {"Upload-Length", "100"}},
         FRAMING_NONE,
         0,
         REFUSAL_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers;
        struct framing_facts framing;
        const char *detail = NULL;
        uint64_t length = 0;
        fill(&rows[i], &headers, &framing);
        if (tus_read_creation(&headers, &framing, &length, &detail) != rows[i].reason)
            fail_msg("row %zu", i);
        if (rows[i].reason)
            assert_non_null(detail);
        else
            assert_int_equal(length, 100);
        headers_free(&headers);
    }
}

static void only_version_1_0_0_is_spoken(void **state)
{
    (void)state;
    static const char *const others[] = {"", "1.0", "1.0.1", "1.0.0 ", "0.2.2", "1.0.0, 1.0.0"};
    struct headers headers = {0};
    assert_false(tus_spoken(&headers));
    assert_true(headers_add(&headers, "tus-resumable", "1.0.0"));
    assert_true(tus_spoken(&headers));
    assert_int_equal(tus_check_version(&headers), REFUSAL_NONE);
    assert_true(headers_add(&headers, "Tus-Resumable", "1.0.0"));
    assert_int_equal(tus_check_version(&headers), REFUSAL_TUS_VERSION);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        headers_free(&headers);
        headers = (struct headers){0};
        assert_true(headers_add(&headers, "Tus-Resumable", others[i]));
        assert_true(tus_spoken(&headers));
        assert_int_equal(tus_check_version(&headers), REFUSAL_TUS_VERSION);
    }
    headers_free(&headers);
}

static void method_is_overridden_for_tus_only(void **state)
{
    (void)state;
    struct headers headers = {0};
    assert_true(headers_add(&headers, "X-HTTP-Method-Override", "PATCH"));
    assert_string_equal(tus_method("POST", &headers), "POST");
    assert_true(headers_add(&headers, "Tus-Resumable", "1.0.0"));
    assert_string_equal(tus_method("POST", &headers), "PATCH");
    assert_string_equal(tus_method("PUT", &headers), "PUT");
    assert_string_equal(tus_method("GET", &headers), "GET");
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(part_is_read),
        cmocka_unit_test(faulty_part_is_refused),
        cmocka_unit_test(creation_is_read_or_refused),
        cmocka_unit_test(only_version_1_0_0_is_spoken),
        cmocka_unit_test(method_is_overridden_for_tus_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
