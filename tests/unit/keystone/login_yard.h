/* SPDX-License-Identifier: Apache-2.0 */
/* Logins before a Keystone that answers as the test says. Include after <cmocka.h>. */
#ifndef KEYSTONE_LOGIN_YARD_H
#define KEYSTONE_LOGIN_YARD_H

#include "intake/headers.h"
#include "intake/keystone.h"
#include "intake/login.h"
#include "intake/loop.h"
#include "intake/settings.h"
#include "intake/transfer.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/one_answer.h"
/* after it */
#include "support/answers_in_turn.h"

#define APPLICATION  "0123456789abcdef0123456789abcdef"
#define SALES_DOMAIN "33333333333333333333333333333333"
#define TOKEN_BODY(project)                                                                        \
    "{\"token\": {\"methods\": [\"password\"], \"expires_at\": "                                   \
    "\"2999-11-30T12:43:30.000000Z\"" project "}}"
#define OF_USER                                                                                    \
    ", \"user\": {\"id\": \"u\", \"name\": \"user\", \"domain\": {\"id\": \"" SALES_DOMAIN         \
    "\", \"name\": \"Sales\"}}"
#define OF_DEMO                                                                                    \
    ", \"project\": {\"id\": \"11111111111111111111111111111111\", \"name\": \"demo\","            \
    " \"domain\": {\"id\": \"default\", \"name\": \"Default\"}}"
#define PROJECTS(rows) "{\"projects\": [" rows "]}"
#define DEMO                                                                                       \
    "{\"id\": \"11111111111111111111111111111111\", \"name\": \"demo\", \"domain_id\": "           \
    "\"default\"}"
#define DEMO_OF_SALES                                                                              \
    "{\"id\": \"44444444444444444444444444444444\", \"name\": \"demo\", \"domain_id\": "           \
    "\"" SALES_DOMAIN "\"}"
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

static inline int begin(void **state)
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
static inline int end(void **state)
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
static inline void answer(unsigned status, const char *fields, const char *body)
{
    char **text = &yard.kept[yard.server.count];
    assert_true(asprintf(text,
                         "HTTP/1.1 %u Any\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                         status, fields, strlen(body), body) > 0);
    answers_add(&yard.server, *text);
}

static inline void answer_token(const char *token, const char *body)
{
    char field[64];
    snprintf(field, sizeof field, "X-Subject-Token: %s\r\n", token);
    answer(201, field, body);
}

static inline void wake(void *context)
{
    assert_ptr_equal(context, &yard);
    yard.woken++;
    loop_stop(yard.loops[yard.logins - 1]);
}

static inline struct login_parts new_parts(void)
{
    assert_true(yard.logins < LOGINS_MAX);
    struct loop *loop = yard.loops[yard.logins] = loop_new();
    struct glance *glance = yard.glances[yard.logins++] = loop ? glance_new(loop) : NULL;
    assert_non_null(glance);
    return (struct login_parts){yard.keystone, loop, glance, &yard.settings};
}

static inline struct login *log_in_at(const char *pair, const char *project, const char *domain)
{
    char value[256] = "Basic ";
    const struct login_parts parts = new_parts();
    const struct login_request request = {.headers = &yard.headers,
                                          .project = project,
                                          .domain = domain,
                                          .client = "192.0.2.7",
                                          .secure = true};
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

static inline struct login *log_in(const char *pair, const char *project)
{
    return log_in_at(pair, project, NULL);
}

static inline void assert_granted(struct login *login, const char *token, const char *project)
{
    if (login_state(login) == LOGIN_REFUSED)
        fail_msg("refused: %s", login_detail(login));
    assert_int_equal(login_state(login), LOGIN_GRANTED);
    assert_string_equal(login_token(login), token);
    assert_int_equal(login_project(login)[0], project[0]);
    login_free(login);
}

static inline void assert_refused(struct login *login, enum refusal refusal, const char *detail)
{
    assert_int_equal(login_state(login), LOGIN_REFUSED);
    assert_int_equal(login_refusal(login), refusal);
    if (!strstr(login_detail(login), detail))
        fail_msg("'%s' does not have '%s'", login_detail(login), detail);
    login_free(login);
}

static inline void assert_seen(size_t turn, const char *text)
{
    if (!strstr(yard.server.turns[turn].seen, text))
        fail_msg("'%s' does not have '%s'", yard.server.turns[turn].seen, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
