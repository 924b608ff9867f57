/* SPDX-License-Identifier: Apache-2.0 */
/* Logins that Keystone accepts, and the project that they are for. */
#include "intake/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "login_yard.h"

static void a_user_with_a_default_project_takes_one_question(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    assert_granted(log_in("us\"er@dom\xc3\xa9:pass\\word", NULL), "t1", "1");
    assert_seen(0, "POST /v3/auth/tokens?nocatalog HTTP/1.1\r\n");
    assert_seen(0, "\r\nContent-Type: application/json\r\n");
    assert_seen(0, "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":"
                   "{\"name\":\"us\\\"er\",\"domain\":{\"name\":\"dom\xc3\xa9\"},"
                   "\"password\":\"pass\\\\word\"}}}}}");
}

static void an_application_credential_takes_one_question(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    assert_granted(log_in(APPLICATION ":secret", "demo"), "t1", "1");
    assert_seen(0,
                "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
                "\"application_credential\":{\"id\":\"" APPLICATION "\",\"secret\":\"secret\"}}}}");
}

static void the_only_project_is_found(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(""));
    answer(200, "", PROJECTS(DEMO));
    answer_token("t2", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    assert_granted(log_in("user:password", NULL), "t2", "1");
    assert_seen(1, "GET /v3/auth/projects HTTP/1.1\r\n");
    assert_seen(1, "\r\nX-Auth-Token: t1\r\n");
    assert_seen(2, "{\"auth\":{\"identity\":{\"methods\":[\"token\"],\"token\":{\"id\":\"t1\"}},"
                   "\"scope\":{\"project\":{\"id\":\"11111111111111111111111111111111\"}}}}");
}

/* The password is sent once, and without a project. */
static void a_named_project_is_chosen(void **state)
{
    (void)state;
    static const char *const names[] = {"demo", "11111111111111111111111111111111"};
    for (size_t i = 0; i < 2; i++) {
        answer_token("t1", TOKEN_BODY(""));
        answer(200, "", PROJECTS(SALES ", " DEMO));
        answer_token("t2", TOKEN_BODY(OF_DEMO));
    }
    answers_start(&yard.server);
    for (size_t i = 0; i < 2; i++) {
        assert_granted(log_in("user:password", names[i]), "t2", "1");
        assert_seen(3 * i, "\"scope\":\"unscoped\"");
        assert_seen(3 * i + 2, "\"project\":{\"id\":\"11111111111111111111111111111111\"}");
    }
}

/* The domain of the query is the user's. It chooses between projects of one name, and refuses none
 * that is the only one. */
static void a_domain_chooses_between_projects_of_one_name(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(OF_USER));
    answer(200, "", PROJECTS(DEMO ", " DEMO_OF_SALES));
    answer_token("t2", TOKEN_BODY(OF_USER OF_DEMO));
    answer_token("t1", TOKEN_BODY(OF_USER));
    answer(200, "", PROJECTS(SALES ", " DEMO));
    answer_token("t2", TOKEN_BODY(OF_USER OF_DEMO));
    answers_start(&yard.server);
    assert_granted(log_in_at("user:password", "demo", "Sales"), "t2", "1");
    assert_seen(2, "\"project\":{\"id\":\"44444444444444444444444444444444\"}");
    assert_granted(log_in_at("user:password", "demo", SALES_DOMAIN), "t2", "1");
    assert_seen(5, "\"project\":{\"id\":\"11111111111111111111111111111111\"}");
}

static void several_projects_are_told(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(""));
    answer(200, "", PROJECTS(SALES ", " DEMO));
    answer_token("t1", TOKEN_BODY(""));
    answer(200, "", PROJECTS(SALES ", " DEMO));
    answer_token("t1", TOKEN_BODY(""));
    answer(200, "", PROJECTS(""));
    answers_start(&yard.server);
    assert_refused(log_in("user:password", NULL), REFUSAL_PROJECT_REQUIRED,
                   "the user has several: sales, demo");
    assert_refused(log_in("user:password", "other"), REFUSAL_PROJECT_REQUIRED,
                   "the user has no project other, but has these: sales, demo");
    assert_refused(log_in("user:password", NULL), REFUSAL_PROJECT_REQUIRED,
                   "the user has no project");
}

static void a_token_is_asked_for_its_project(void **state)
{
    (void)state;
    answer(200, "", TOKEN_BODY(OF_DEMO));
    answer(404, "", "{}");
    answers_start(&yard.server);
    assert_true(headers_add(&yard.headers, "X-Auth-Token", "mine"));
    assert_granted(log_in(NULL, NULL), "mine", "1");
    assert_seen(0, "GET /v3/auth/tokens?nocatalog HTTP/1.1\r\n");
    assert_seen(0, "\r\nX-Auth-Token: mine\r\nX-Subject-Token: mine\r\n");
    assert_granted(log_in(NULL, NULL), "mine", "1"); /* it is known */
    assert_true(headers_set(&yard.headers, "X-Auth-Token", "other"));
    assert_refused(log_in(NULL, NULL), REFUSAL_LOGIN_FAILED, "the token is not valid");
}

/* A token has one project. Its name is enough, whatever domain the query has. */
static void a_token_of_the_named_project_is_right_in_each_domain(void **state)
{
    (void)state;
    answer(200, "", TOKEN_BODY(OF_USER OF_DEMO));
    answer(200, "", TOKEN_BODY(OF_USER OF_DEMO));
    answers_start(&yard.server);
    assert_true(headers_add(&yard.headers, "X-Auth-Token", "mine"));
    assert_granted(log_in_at(NULL, "demo", "Sales"), "mine", "1");
    assert_granted(log_in_at(NULL, "demo", "Default"), "mine", "1");
}

static void another_project_than_the_tokens_is_refused(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    assert_refused(log_in(APPLICATION ":secret", "sales"), REFUSAL_PROJECT_REQUIRED,
                   "this application credential is of the project demo");
}

/* A good login is known, and asks nobody. */
static void known_logins_ask_nobody_until_glance_refuses_their_token(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(OF_DEMO));
    answer(401, "", "{}");
    answer_token("t2", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    assert_granted(log_in("user:password", NULL), "t1", "1");
    struct login *known = log_in("user:password", NULL);
    assert_int_equal(yard.woken, 0);
    assert_string_equal(login_token(known), "t1");
    assert_refused(log_in("user:other", NULL), REFUSAL_LOGIN_FAILED, "");
    login_token_refused(known);
    login_free(known);
    assert_granted(log_in("user:password", NULL), "t2", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_with_a_default_project_takes_one_question),
        TEST(an_application_credential_takes_one_question),
        TEST(the_only_project_is_found),
        TEST(a_named_project_is_chosen),
        TEST(a_domain_chooses_between_projects_of_one_name),
        TEST(several_projects_are_told),
        TEST(a_token_is_asked_for_its_project),
        TEST(a_token_of_the_named_project_is_right_in_each_domain),
        TEST(another_project_than_the_tokens_is_refused),
        TEST(known_logins_ask_nobody_until_glance_refuses_their_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
