/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes a guard knows to be missing of a body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard_vectors.h"

/* Judges the text byte by byte. */
static void pass(struct guard *guard, const char *text)
{
    for (; *text; text++) {
        char byte = *text;
        guard_judge(guard, &byte, 1);
    }
    assert_null(guard->fault);
}

static void body_with_a_length_needs_the_rest(void **state)
{
    (void)state;
    struct guard guard = {0};
    assert_int_equal(guard_due(&guard), 0);
    pass(&guard, "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    for (uint64_t left = 5; left; left--) {
        assert_int_equal(guard_due(&guard), left);
        pass(&guard, "b");
    }
    assert_int_equal(guard_due(&guard), 0);
}

static void chunked_body_needs_one_byte_more_than_its_chunk(void **state)
{
    (void)state;
    struct guard guard = {0};
    pass(&guard, CHUNKED);
    assert_int_equal(guard_due(&guard), 1);
    pass(&guard, "5\r\n");
    assert_int_equal(guard_due(&guard), 6);
    pass(&guard, "abcd");
    assert_int_equal(guard_due(&guard), 2);
    for (const char *rest = "e\r\n0\r\n\r"; *rest; rest++) {
        pass(&guard, (char[]){*rest, '\0'});
        assert_int_equal(guard_due(&guard), 1);
    }
    pass(&guard, "\n");
    assert_int_equal(guard_due(&guard), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_with_a_length_needs_the_rest),
        cmocka_unit_test(chunked_body_needs_one_byte_more_than_its_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
