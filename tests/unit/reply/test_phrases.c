/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void known_statuses_have_phrases(void **state)
{
    (void)state;
    assert_string_equal(reply_phrase(204), "No Content");
    assert_string_equal(reply_phrase(409), "Conflict");
    assert_string_equal(reply_phrase(507), "Insufficient Storage");
    assert_string_equal(reply_phrase(511), "Network Authentication Required");
    assert_string_equal(reply_phrase(299), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_statuses_have_phrases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
