/* SPDX-License-Identifier: Apache-2.0 */
/* Where a body ends: the framing fields, chunks and trailers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard_vectors.h"

static void invalid_framing_field_is_refused(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        WRONG("no number", LINE "Content-Length:", "\r\n"),
        WRONG("a sign", LINE "Content-Length:", "+5\r\n"),
        WRONG("a negative number", LINE "Content-Length:", "-5\r\n"),
        WRONG("hexadecimal", LINE "Content-Length:0", "x5\r\n"),
        WRONG("a list", LINE "Content-Length:5", ", 5\r\n"),
        WRONG("2^63", LINE "Content-Length:922337203685477580", "8\r\n"),
        WRONG_BEHIND("two numbers", LINE "Content-Length:5", " ", "5\r\n"),
        WRONG("two lengths", LINE "Content-Length:5\r\ncontent-length:5\r\n\r", "\n"),
        WRONG("a length and chunked", LINE "Content-Length:5\r\nTransfer-Encoding:chunked\r\n\r",
              "\n"),
        WRONG("chunked twice", LINE "Transfer-Encoding:chunked\r\nTransfer-Encoding:chunked\r\n\r",
              "\n"),
        WRONG("another coding", LINE "Transfer-Encoding:", "gzip\r\n"),
        WRONG("no coding", LINE "Transfer-Encoding:", "\r\n"),
        WRONG("a part of chunked", LINE "Transfer-Encoding:chunk", "\r\n"),
        WRONG("a coding behind chunked", LINE "Transfer-Encoding:chunked", ", gzip\r\n"),
        WRONG_BEHIND("a blank in chunked", LINE "Transfer-Encoding:chun", " ", "ked\r\n"),
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

static void invalid_chunk_or_trailer_is_refused(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        WRONG("no size", CHUNKED, "\r\n"),
        WRONG("no hexadecimal", CHUNKED, "g\r\n"),
        WRONG("a prefix", CHUNKED "0", "x3\r\n"),
        WRONG("a negative size", CHUNKED, "-3\r\n"),
        WRONG("a size of 2^63", CHUNKED "800000000000000", "0\r\n"),
        WRONG("a blank before the size", CHUNKED, " 3\r\n"),
        WRONG_BEHIND("a blank behind the size", CHUNKED "3", " ", "\r\n"),
        WRONG_BEHIND("two sizes", CHUNKED "3", " ", "3\r\n"),
        WRONG("a bare line feed behind the size", CHUNKED "3", "\nabc\r\n"),
        WRONG("a lone carriage return", CHUNKED "3\r", "abc\r\n"),
        WRONG("a NUL behind the size", CHUNKED "3", "\0\r\n"),
        WRONG_BEHIND("a bare line feed in an extension", CHUNKED "3", ";a", "\nabc\r\n"),
        WRONG_BEHIND("a control character in an extension", CHUNKED "3", ";a", "\x01\r\n"),
        WRONG("a chunk that is longer", CHUNKED "3\r\nabc", "d\r\n"),
        WRONG("a bare line feed behind a chunk", CHUNKED "3\r\nabc", "\n0\r\n"),
        WRONG("a lone carriage return behind a chunk", CHUNKED "3\r\nabc\r", "0\r\n"),
        WRONG("a folded trailer", CHUNKED "0\r\n", " A: b\r\n\r\n"),
        WRONG("a trailer without a name", CHUNKED "0\r\n", ": b\r\n\r\n"),
        WRONG_BEHIND("a NUL in a trailer", CHUNKED "0\r\n", "A: b", "\0\r\n\r\n"),
        WRONG_BEHIND("a bare line feed in a trailer", CHUNKED "0\r\n", "A: b", "\nC: d\r\n\r\n"),
        WRONG_BEHIND("no colon in a trailer", CHUNKED "0\r\n", "A", "\r\n\r\n"),
        WRONG_BEHIND("a lone carriage return in a trailer", CHUNKED "0\r\n", "A: b\r", "C\r\n"),
        WRONG("a bare line feed at the end", CHUNKED "0\r\n", "\n"),
        WRONG("a lone carriage return at the end", CHUNKED "0\r\n\r", "A"),
    };
    check_all(vectors, sizeof vectors / sizeof *vectors);
}

static void endless_trailers_and_extensions_are_refused(void **state)
{
    (void)state;
    static const char head[] = CHUNKED;
    for (int trailer = 0; trailer < 2; trailer++) {
        struct guard guard = {0};
        char bytes[sizeof head];
        memcpy(bytes, head, sizeof head);
        guard_judge(&guard, bytes, sizeof head - 1);
        memcpy(bytes, trailer ? "0\r\nA:" : "3;", trailer ? 5 : 2);
        guard_judge(&guard, bytes, trailer ? 5 : 2);
        int count = 0;
        for (; !guard.fault && count < 100000; count++) {
            bytes[0] = 'x';
            assert_int_equal(guard_judge(&guard, bytes, 1), 0);
        }
        assert_int_equal(guard.refusal, REFUSAL_BAD_REQUEST);
        assert_in_range(count, 4000, 20000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invalid_framing_field_is_refused),
        cmocka_unit_test(invalid_chunk_or_trailer_is_refused),
        cmocka_unit_test(endless_trailers_and_extensions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
