/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A block that is large enough to be a mapping of its own could be gone; this one is not. */
enum { SIZE = 256 };

static void grown_memory_keeps_its_bytes(void **state)
{
    (void)state;
    char *memory = secret_realloc(NULL, 8);
    assert_non_null(memory);
    memcpy(memory, "secret!", 8);
    memory = secret_realloc(memory, SIZE);
    assert_non_null(memory);
    assert_string_equal(memory, "secret!");
    memory = secret_realloc(memory, 4);
    assert_non_null(memory);
    assert_memory_equal(memory, "secr", 4);
    secret_free(memory);
    secret_free(NULL);
}

static void wiped_text_is_empty(void **state)
{
    (void)state;
    char text[] = "secret!";
    const char nothing[sizeof text] = {0};
    secret_wipe(text);
    assert_memory_equal(text, nothing, sizeof text);
    secret_wipe(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grown_memory_keeps_its_bytes),
        cmocka_unit_test(wiped_text_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
