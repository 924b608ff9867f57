/* SPDX-License-Identifier: Apache-2.0 */
/* A guard that takes the framing of a chunked body away, from the middle of its first chunk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard_vectors.h"

static const char HEAD[] = CHUNKED "5\r\nab";

/* What comes after HEAD. */
struct rest {
    const char *name, *sent, *data;
    bool fault, over;
};

static void check_rest(struct split split, const void *context)
{
    const struct rest *rest = context;
    struct guard guard = {0};
    char bytes[sizeof HEAD];
    memcpy(bytes, HEAD, sizeof HEAD);
    assert_int_equal(guard_judge(&guard, bytes, sizeof HEAD - 1), sizeof HEAD - 1);
    assert_true(guard_in_chunk(&guard));
    assert_int_equal(guard.passed, 2);
    guard_strip(&guard);
    struct vector vector = {.sent = rest->sent, .sent_count = strlen(rest->sent)};
    size_t kept = 0;
    judge(&vector, split, &guard, &kept);
    bool good = kept == strlen(rest->data) && !memcmp(got, rest->data, kept) &&
                guard.passed == 2 + kept && !guard.fault == !rest->fault &&
                guard_between_messages(&guard) == rest->over && guard.heads == 1;
    if (!good)
        print_message("%s, cut at %zu: kept %zu\n", rest->name, split.first, kept);
    assert_true(good);
}

static void only_the_data_passes(void **state)
{
    (void)state;
    static const struct rest rests[] = {
        {"the rest of the chunk", "cd", "cd", false, false},
        {"one chunk", "cde\r\n0\r\n\r\n", "cde", false, true},
        {"data that looks like framing", "cde\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n", "cde0\r\n\r\n",
         false, true},
        {"extensions and trailers", "cde\r\n2;a=b\r\nfg\r\n0;c\r\nA: b\r\n\r\n", "cdefg", false,
         true},
        {"leading zeros", "cde\r\n0001\r\nf\r\n000\r\n\r\n", "cdef", false, true},
        {"a request behind it", "cde\r\n0\r\n\r\n" GET, "cde", false, true},
        {"rubbish behind it", "cde\r\n0\r\n\r\n\n\n\1", "cde", false, true},
        {"no end", "cde\r\n1\r\nf\r\n", "cdef", false, false},
        {"a chunk that is too long", "cdef\r\n0\r\n\r\n", "cde", true, false},
        {"a size that is no number", "cde\r\nx\r\nf\r\n", "cde", true, false},
        {"a bare line feed", "cde\r\n1\nf\r\n0\r\n\r\n", "cde", true, false},
        {"a bare line feed in a trailer", "cde\r\n0\r\nA: b\n\r\n", "cde", true, false},
    };
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++)
        splits_each(strlen(rests[i].sent), check_rest, &rests[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_data_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
