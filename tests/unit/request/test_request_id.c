/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEN     "0123456789"
#define LONGEST TEN TEN TEN TEN TEN TEN "0123"

static void choose(const char *one, const char *two, char out[REQUEST_ID_MAX + 1])
{
    struct headers headers = {0};
    if (one)
        assert_true(headers_add(&headers, "X-OpenStack-Request-ID", one));
    if (two)
        assert_true(headers_add(&headers, "X_Openstack_Request_Id", two));
    request_id_choose(&headers, out);
    headers_free(&headers);
}

static void valid_request_id_is_kept(void **state)
{
    (void)state;
    static const char *const kept[] = {"req-3f1c6f5e-7f0e-4c54-9b6a-6a3f1d9c0b11", "x", LONGEST};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char out[REQUEST_ID_MAX + 1];
        choose(kept[i], NULL, out);
        assert_string_equal(out, kept[i]);
    }
}

/* "req-xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx" */
static void assert_minted(const char *id)
{
    assert_int_equal(strlen(id), 40);
    assert_memory_equal(id, "req-", 4);
    assert_int_equal(strspn(id + 4, "0123456789abcdef-"), 36);
    assert_int_equal(id[4 + 14], '4');
    assert_non_null(strchr("89ab", id[4 + 19]));
}

static void invalid_request_id_is_replaced(void **state)
{
    (void)state;
    static const char *const replaced[][2] = {
        {NULL, NULL},        {"", NULL},    {LONGEST "4", NULL},
        {"req 1", NULL},     {"a", "b"},    {"req-\"1\"", NULL},
        {"r\xc3\xa4", NULL}, {"a,b", NULL}, {"req-1 image=x", NULL}};
    char last[REQUEST_ID_MAX + 1] = "";
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        char out[REQUEST_ID_MAX + 1];
        choose(replaced[i][0], replaced[i][1], out);
        assert_minted(out);
        assert_string_not_equal(out, last);
        memcpy(last, out, sizeof last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_request_id_is_kept),
        cmocka_unit_test(invalid_request_id_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
