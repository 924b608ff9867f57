/* SPDX-License-Identifier: Apache-2.0 */
#include "server/secrets.h"

#include <curl/curl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <cmocka.h>

/* Without a login the process is as any other: its user can debug it. */
static void cores_are_as_usual_without_logins(void **state)
{
    (void)state;
    assert_true(secrets_prepare(false));
    assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
    curl_global_cleanup();
}

static void no_core_is_written_with_logins(void **state)
{
    (void)state;
    assert_true(secrets_prepare(true));
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    curl_global_cleanup();
}

/* jansson calls the function that was chosen for it. */
static void json_is_overwritten_when_freed(void **state)
{
    (void)state;
    json_malloc_t allocate;
    json_free_t release;
    json_get_alloc_funcs(&allocate, &release);
    assert_ptr_not_equal(release, free);
    json_t *text = json_string("secret");
    assert_non_null(text);
    json_decref(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_are_as_usual_without_logins),
        cmocka_unit_test(no_core_is_written_with_logins),
        cmocka_unit_test(json_is_overwritten_when_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
