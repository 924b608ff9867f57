/* SPDX-License-Identifier: Apache-2.0 */
/* Logins before a Keystone that answers as the test says. */
#include "intake/login.h"

#include "intake/headers.h"
#include "intake/keystone.h"
#include "intake/loop.h"
#include "intake/settings.h"
#include "intake/transfer.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/one_answer.h"
/* after it */
#include "support/answers_in_turn.h"

#define APPLICATION "0123456789abcdef0123456789abcdef"
#define TOKEN_BODY(project)                                                                        \
    "{\"token\": {\"methods\": [\"password\"], \"expires_at\": "                                   \
    "\"2999-11-30T12:43:30.000000Z\"" project "}}"
#define OF_DEMO                                                                                    \
    ", \"project\": {\"id\": \"11111111111111111111111111111111\", \"name\": \"demo\","            \
    " \"domain\": {\"id\": \"default\", \"name\": \"Default\"}}"
#define PROJECTS(rows) "{\"projects\": [" rows "]}"
#define DEMO                                                                                       \
    "{\"id\": \"11111111111111111111111111111111\", \"name\": \"demo\", \"domain_id\": "           \
    "\"default\"}"
#define SALES                                                                                      \
    "{\"id\": \"22222222222222222222222222222222\", \"name\": \"sales\", \"domain_id\": "          \
    "\"default\"}"

enum { LOGINS_MAX = 16 };

static struct {
    struct answers_in_turn server;
    /* of each login: a loop that has stopped does not run again */
    struct loop *loops[LOGINS_MAX];
    struct glance *glances[LOGINS_MAX];
    size_t logins;
    struct settings settings;
    struct keystone *keystone;
    struct headers headers;
    char *kept[ANSWERS_MAX]; /* the answers' texts */
    unsigned woken;
} yard;

static int begin(void **state)
{
    (void)state;
    memset(&yard, 0, sizeof yard);
    answers_begin(&yard.server);
    yard.settings.glance.connect_timeout = 5000;
    yard.settings.glance.stall_timeout = 60000;
    yard.settings.keystone.auth_url = yard.server.url;
    yard.keystone = keystone_new(&yard.settings);
    return yard.keystone ? 0 : -1;
}

/* Each test starts the server, if only to see that nobody comes. */
static int end(void **state)
{
    (void)state;
    headers_free(&yard.headers);
    for (size_t i = 0; i < yard.logins; i++) {
        glance_free(yard.glances[i]);
        loop_free(yard.loops[i]);
    }
    keystone_free(yard.keystone);
    answers_end(&yard.server);
    for (size_t i = 0; i < ANSWERS_MAX; i++)
        free(yard.kept[i]);
    return 0;
}

/* `fields` end with a line break each. */
static void answer(unsigned status, const char *fields, const char *body)
{
    char **text = &yard.kept[yard.server.count];
    assert_true(asprintf(text,
                         "HTTP/1.1 %u Any\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                         status, fields, strlen(body), body) > 0);
    answers_add(&yard.server, *text);
}

static void answer_token(const char *token, const char *body)
{
    char field[64];
    snprintf(field, sizeof field, "X-Subject-Token: %s\r\n", token);
    answer(201, field, body);
}

static void wake(void *context)
{
    assert_ptr_equal(context, &yard);
    yard.woken++;
    loop_stop(yard.loops[yard.logins - 1]);
}

static struct login_parts new_parts(void)
{
    assert_true(yard.logins < LOGINS_MAX);
    struct loop *loop = yard.loops[yard.logins] = loop_new();
    struct glance *glance = yard.glances[yard.logins++] = loop ? glance_new(loop) : NULL;
    assert_non_null(glance);
    return (struct login_parts){yard.keystone, loop, glance, &yard.settings};
}

static struct login *log_in(const char *pair, const char *project)
{
    char value[256] = "Basic ";
    const struct login_parts parts = new_parts();
    const struct login_request request = {
        .headers = &yard.headers, .project = project, .client = "192.0.2.7", .secure = true};
    if (pair) {
        EVP_EncodeBlock((unsigned char *)value + strlen(value), (const unsigned char *)pair,
                        (int)strlen(pair));
        assert_true(headers_set(&yard.headers, "Authorization", value));
    }
    yard.woken = 0;
    struct login *login = login_begin(&parts, &request, wake, &yard);
    assert_non_null(login);
    assert_int_equal(yard.woken, 0);
    if (login_state(login) == LOGIN_RUNNING) {
        loop_run(parts.loop);
        assert_int_equal(yard.woken, 1);
    }
    return login;
}

static void assert_granted(struct login *login, const char *token, const char *project)
{
    if (login_state(login) == LOGIN_REFUSED)
        fail_msg("refused: %s", login_detail(login));
    assert_int_equal(login_state(login), LOGIN_GRANTED);
    assert_string_equal(login_token(login), token);
    assert_int_equal(login_project(login)[0], project[0]);
    login_free(login);
}

static void assert_refused(struct login *login, enum refusal refusal, const char *detail)
{
    assert_int_equal(login_state(login), LOGIN_REFUSED);
    assert_int_equal(login_refusal(login), refusal);
    if (!strstr(login_detail(login), detail))
        fail_msg("'%s' does not have '%s'", login_detail(login), detail);
    login_free(login);
}

static void assert_seen(size_t turn, const char *text)
{
    if (!strstr(yard.server.turns[turn].seen, text))
        fail_msg("'%s' does not have '%s'", yard.server.turns[turn].seen, text);
}

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

/* The password is sent once, with the wish for no project. */
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

static void another_project_than_the_tokens_is_refused(void **state)
{
    (void)state;
    answer_token("t1", TOKEN_BODY(OF_DEMO));
    answers_start(&yard.server);
    assert_refused(log_in(APPLICATION ":secret", "sales"), REFUSAL_PROJECT_REQUIRED,
                   "this application credential is of the project demo");
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_with_a_default_project_takes_one_question),
        TEST(an_application_credential_takes_one_question),
        TEST(the_only_project_is_found),
        TEST(a_named_project_is_chosen),
        TEST(several_projects_are_told),
        TEST(a_token_is_asked_for_its_project),
        TEST(another_project_than_the_tokens_is_refused),
        TEST(a_wrong_password_is_refused),
        TEST(a_second_factor_is_told_and_does_not_count),
        TEST(known_logins_ask_nobody_until_glance_refuses_their_token),
        TEST(wrong_passwords_are_slowed_down),
        TEST(faults_of_keystone_do_not_count),
        TEST(a_keystone_that_is_not_there_is_told),
        TEST(a_login_that_is_left_counts_as_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
