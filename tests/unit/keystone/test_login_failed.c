/* SPDX-License-Identifier: Apache-2.0 */
/* Logins that fail, and what follows for the next ones. */
#include "intake/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "login_yard.h"

static void a_wrong_password_is_refused(void **state)
{
    (void)state;
    answer(401, "", "{}");
    answers_start(&yard.server);
    struct login *login = log_in("user:password", NULL);
    assert_string_equal(headers_get(login_fields(login), "WWW-Authenticate"),
                        "Basic realm=\"glance-intake\", charset=\"UTF-8\"");
    assert_refused(login, REFUSAL_LOGIN_FAILED, "");
}

static void a_second_factor_is_told_and_does_not_count(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        answer(401, "Openstack-Auth-Receipt: r\r\n", "{}");
    answers_start(&yard.server);
    for (unsigned i = 0; i < 4; i++)
        assert_refused(log_in("user:password", NULL), REFUSAL_LOGIN_FAILED, "second factor");
}

static void wrong_passwords_are_slowed_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        answer(401, "", "{}");
    answer_token("t1", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    for (unsigned i = 0; i < 3; i++)
        assert_refused(log_in("user:wrong", NULL), REFUSAL_LOGIN_FAILED, "");
    struct login *login = log_in("USER:password", NULL);
    const char *seconds = headers_get(login_fields(login), "Retry-After");
    assert_non_null(seconds);
    assert_in_range(strtoul(seconds, NULL, 10), 1, 600);
    assert_refused(login, REFUSAL_TOO_MANY_FAILED_LOGINS, "for this user");
    assert_granted(log_in("other:password", NULL), "t1", "1");
}

static void faults_of_keystone_do_not_count(void **state)
{
    (void)state;
    static const char *const bodies[] = {"<html>", "{}", "{\"token\": {}}"};
    answer(500, "", "{}");
    answer(404, "", "{}");
    answer(503, "", "{}");
    for (size_t i = 0; i < 3; i++)
        answer_token("t", bodies[i]);
    answer(201, "", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    assert_refused(log_in("user:p", NULL), REFUSAL_KEYSTONE_UNREACHABLE, "it answers 500");
    assert_refused(log_in("user:p", NULL), REFUSAL_KEYSTONE_UNREACHABLE, "it answers 404");
    assert_refused(log_in("user:p", NULL), REFUSAL_KEYSTONE_UNREACHABLE, "it answers 503");
    for (size_t i = 0; i < 4; i++)
        assert_refused(log_in("user:p", NULL), REFUSAL_KEYSTONE_UNREACHABLE, "cannot be read");
}

static void a_keystone_that_is_not_there_is_told(void **state)
{
    (void)state;
    shutdown(yard.server.socket, SHUT_RDWR);
    assert_refused(log_in("user:password", NULL), REFUSAL_KEYSTONE_UNREACHABLE, "connect");
    answers_start(&yard.server);
}

/* Keystone may have counted the password of a login that is left while it is thinking. */
static void a_login_that_is_left_counts_as_failed(void **state)
{
    (void)state;
    const struct login_parts parts = new_parts();
    const struct login_request request = {
        .headers = &yard.headers, .client = "192.0.2.7", .secure = true};
    answers_start(&yard.server);
    assert_true(headers_add(&yard.headers, "Authorization", "Basic ZGVtbzpzZWNyZXQ="));
    for (unsigned i = 0; i < 3; i++)
        login_free(login_begin(&parts, &request, wake, &yard));
    assert_refused(log_in("demo:secret", NULL), REFUSAL_TOO_MANY_FAILED_LOGINS, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_password_is_refused),
        TEST(a_second_factor_is_told_and_does_not_count),
        TEST(wrong_passwords_are_slowed_down),
        TEST(faults_of_keystone_do_not_count),
        TEST(a_keystone_that_is_not_there_is_told),
        TEST(a_login_that_is_left_counts_as_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
