/* SPDX-License-Identifier: Apache-2.0 */
/* Valid requests; the request line, the fields and the limits of a head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard_vectors.h"

static void valid_requests_pass_unchanged(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        SOUND("no field", "GET / HTTP/1.1\r\n\r\n" GET, 2),
        SOUND("HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n\r\n" GET, 2),
        SOUND("fields", LINE "Host:h\r\nX:\r\nX-Y:  a\tb \t\r\nX_Z: \xe9\x80\xff\r\n\r\n" GET, 2),
        SOUND("a length", LINE "Content-Length:5\r\n\r\n\0\n\r\n\0" GET, 2),
        SOUND("a length of 0", LINE "content-LENGTH:000\r\n\r\n" GET, 2),
        SOUND("the largest length", LINE "Content-Length:9223372036854775807\r\n\r\n", 1),
        SOUND("a body like a request", LINE "Content-Length:30\r\n\r\n" GET "--" GET, 2),
        SOUND("names that begin alike",
              LINE "Content-Lengthy: x\r\nContent: x\r\nCookies: x\r\n\r\n" GET, 2),
        SOUND("chunks",
              CHUNKED
              "5\r\n\0\n\r\n\0\r\n00aF\r\n"
              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
              "0123456789abcde\r\n0\r\n\r\n" GET,
              2),
        SOUND("no chunk", CHUNKED "000\r\n\r\n" GET, 2),
        SOUND("another spelling", LINE "TRANSFER-encoding:CHUNKED\r\n\r\n0\r\n\r\n" GET, 2),
        SOUND("a blank in the target", "GET /a b HTTP/1.1\r\n\r\n", 1),
        SOUND("many", GET GET GET GET, 4),
        SOUND("a head that is not complete", "GET / HTTP/1.1\r\nHost: h\r", 1),
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

static void needless_bytes_are_dropped(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        TIDIED("blanks behind a length", LINE "Content-Length: 3 \t \r\n\r\nabc" GET,
               LINE "Content-Length:3\r\n\r\nabc" GET),
        TIDIED("blanks before a length", LINE "Content-Length:\t  3\r\n\r\nabc" GET,
               LINE "Content-Length:3\r\n\r\nabc" GET),
        TIDIED("blanks around a coding", LINE "Transfer-Encoding:  chunked\t \r\n\r\n0\r\n\r\n" GET,
               LINE "Transfer-Encoding:chunked\r\n\r\n0\r\n\r\n" GET),
        TIDIED("blanks around Expect", LINE "Expect: 100-continue \r\n\r\n" GET,
               LINE "Expect:100-continue\r\n\r\n" GET),
        TIDIED("extensions", CHUNKED "3;a=b\r\nabc\r\n0 ; c=\"d;\te\xff\"\r\n\r\n" GET,
               CHUNKED "3\r\nabc\r\n0\r\n\r\n" GET),
        TIDIED("trailers", CHUNKED "0\r\nA: b\r\nContent-Length: 7\r\n\r\n" GET,
               CHUNKED "0\r\n\r\n" GET),
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

static void invalid_request_line_is_refused(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        WRONG("a blank line before it", "", "\r\n"),
        WRONG("a line feed before it", "", "\n"),
        WRONG("a NUL before it", "", "\0"),
        WRONG("a blank before it", "", " "),
        WRONG("a TLS handshake", "", "\x16\x03\x01"),
        WRONG("a NUL in the method", "GE", "\0T / HTTP/1.1\r\n"),
        WRONG("a tab in the method", "GE", "\tT / HTTP/1.1\r\n"),
        WRONG("no target", "GET", "\r\n"),
        WRONG("no version", "GET /", "\r\n"),
        WRONG("no target but a version", "GET HTTP/1.1", "\r\n"),
        WRONG("no target but two blanks", "GET  HTTP/1.1", "\r\n"),
        WRONG("a NUL in the target", "GET /a", "\0b HTTP/1.1\r\n"),
        WRONG("a tab in the target", "GET /a", "\tb HTTP/1.1\r\n"),
        WRONG("a DEL in the target", "GET /a", "\x7f HTTP/1.1\r\n"),
        WRONG("a bare line feed", "GET / HTTP/1.1", "\n"),
        WRONG("a lone carriage return", "GET / HTTP/1.1\r", "Host: h\r\n"),
        WRONG("a version in small letters", "GET / http/1.1", "\r\n"),
        WRONG("a version that is longer", "GET / HTTP/1.11", "\r\n"),
        WRONG("a version that is shorter", "GET / HTTP/1", "\r\n"),
        WRONG("a blank behind the version", "GET / HTTP/1.1 ", "\r\n"),
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

static void invalid_header_field_is_refused(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        WRONG("a first folded line", LINE, " Host: h\r\n"),
        WRONG("a first line folded by a tab", LINE, "\tHost: h\r\n"),
        WRONG("a folded length", LINE "Content-Length:", "\r\n 54\r\n\r\n"),
        WRONG("a folded value", LINE "A: b\r\n", "\tc\r\n"),
        WRONG("no name", LINE, ": b\r\n"),
        WRONG("a blank behind the name", LINE "A", " : b\r\n"),
        WRONG("a tab behind the name", LINE "A", "\t: b\r\n"),
        WRONG("no colon", LINE "A", "\r\n"),
        WRONG("a NUL in a name", LINE "A", "\0: b\r\n"),
        WRONG("a byte beyond ASCII in a name", LINE "A", "\xe9: b\r\n"),
        WRONG("a NUL in a value", LINE "A: b", "\0c\r\n"),
        WRONG("an escape in a value", LINE "A: b", "\x1b[0m\r\n"),
        WRONG("a DEL in a value", LINE "A: b", "\x7f\r\n"),
        WRONG("a bare line feed behind a value", LINE "A: b", "\nC: d\r\n"),
        WRONG("a lone carriage return in a value", LINE "A: b\r", "c\r\n"),
        WRONG("two carriage returns", LINE "A: b\r", "\r\n"),
        WRONG("a bare line feed at the end", LINE "A: b\r\n", "\n"),
        WRONG("a lone carriage return at the end", LINE "A: b\r\n\r", "A"),
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

static void next_request_is_checked_like_the_first(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"a folded line", TEXT(GET LINE "A: b\r\n c\r\n\r\n"), TEXT(GET LINE "A: b\r\n"),
         REFUSAL_BAD_REQUEST, 2},
        {"a blank line", TEXT(LINE "Content-Length:1\r\n\r\nx\r\n" GET),
         TEXT(LINE "Content-Length:1\r\n\r\nx"), REFUSAL_BAD_REQUEST, 2},
        {"behind chunks", TEXT(CHUNKED "1\r\nx\r\n0\r\n\r\nGE\0"),
         TEXT(CHUNKED "1\r\nx\r\n0\r\n\r\nGE"), REFUSAL_BAD_REQUEST, 2},
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

static void versions_other_than_http_1_are_refused(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"HTTP/2", TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), TEXT("PRI * HTTP/2.0"),
         REFUSAL_HTTP_VERSION, 1},
        {"HTTP/0.9", TEXT("GET / HTTP/0.9\r\n\r\n"), TEXT("GET / HTTP/0.9"), REFUSAL_HTTP_VERSION,
         1},
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

/* The refusal of a head that repeats a line, with `width` bytes between `begin` and `end`. */
static enum refusal refusal_of(const char *begin, size_t width, const char *end, int times)
{
    static char text[256 * 1024];
    struct guard guard = {0};
    char *at = text;
    if (*begin != 'G')
        at = stpcpy(at, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < times; i++) {
        at = stpcpy(at, begin);
        memset(at, 'a', width);
        at = stpcpy(at + width, end);
    }
    at = stpcpy(at, "\r\n");
    assert_true(guard_judge(&guard, text, (size_t)(at - text)) <= GUARD_HEAD_MAX);
    return guard.refusal;
}

static void head_beyond_its_limits_is_refused(void **state)
{
    (void)state;
    assert_int_equal(refusal_of("GET /", 18000, " HTTP/1.1\r\n", 1), REFUSAL_NONE);
    assert_int_equal(refusal_of("GET /", 19000, " HTTP/1.1\r\n", 1), REFUSAL_TARGET_TOO_LONG);
    assert_int_equal(refusal_of("X:", 18000, "\r\n", 1), REFUSAL_NONE);
    assert_int_equal(refusal_of("X:", 19000, "\r\n", 1), REFUSAL_HEAD_TOO_LONG);
    assert_int_equal(refusal_of("X:", 50, "\r\n", 150), REFUSAL_NONE);
    assert_int_equal(refusal_of("X:", 50, "\r\n", 160), REFUSAL_HEAD_TOO_LONG);
    assert_int_equal(refusal_of("Cookie:", 9000, "\r\n", 1), REFUSAL_NONE);
    assert_int_equal(refusal_of("Cookie:", 9300, "\r\n", 1), REFUSAL_HEAD_TOO_LONG);
}

static void guard_tells_whether_it_is_in_a_head(void **state)
{
    (void)state;
    struct guard guard = {0};
    char text[] = "HEAD / HTTP/1.1\r\n\r\nHEADS / HTTP/1.1\r\n\r\n";
    size_t first = strlen("HEAD / HTTP/1.1\r\n\r\n");
    assert_false(guard_in_head(&guard));
    guard_judge(&guard, text, 1);
    assert_true(guard_in_head(&guard));
    guard_judge(&guard, text + 1, first - 1);
    assert_false(guard_in_head(&guard));
    assert_true(guard_method_is_head(&guard));
    guard_judge(&guard, text + first, strlen(text) - first);
    assert_false(guard_method_is_head(&guard));
    guard_stop(&guard, REFUSAL_CLIENT_STALLED, "late");
    char more[] = "GET";
    assert_int_equal(guard_judge(&guard, more, 3), 0);
    assert_string_equal(guard.fault, "late");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_requests_pass_unchanged),
        cmocka_unit_test(needless_bytes_are_dropped),
        cmocka_unit_test(invalid_request_line_is_refused),
        cmocka_unit_test(invalid_header_field_is_refused),
        cmocka_unit_test(next_request_is_checked_like_the_first),
        cmocka_unit_test(versions_other_than_http_1_are_refused),
        cmocka_unit_test(head_beyond_its_limits_is_refused),
        cmocka_unit_test(guard_tells_whether_it_is_in_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
