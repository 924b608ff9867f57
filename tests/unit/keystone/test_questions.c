/* SPDX-License-Identifier: Apache-2.0 */
/* The questions are tested in test_login.c, as Keystone gets them. */
#include "keystone/questions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct reply reply_of(const char *json)
{
    struct reply reply;
    reply_init(&reply);
    assert_true(buffer_append(&reply.body, json, strlen(json)));
    return reply;
}

static bool read_token(const char *json, struct token_facts *facts)
{
    struct reply reply = reply_of(json);
    bool read = answer_read_token(&reply, facts);
    reply_free(&reply);
    return read;
}

static void facts_of_a_token_are_read(void **state)
{
    (void)state;
    struct token_facts facts;
    assert_true(read_token("{\"token\": {\"expires_at\": \"2026-11-30T12:43:30.000000Z\","
                           " \"project\": {\"id\": \"p1\", \"name\": \"demo\"}}}",
                           &facts));
    assert_string_equal(facts.project, "p1");
    assert_string_equal(facts.project_name, "demo");
    assert_int_equal(facts.expires_ms, UINT64_C(1796042610000));
    assert_true(read_token("{\"token\": {\"expires_at\": \"2026-11-30T12:43:30Z\"}}", &facts));
    assert_string_equal(facts.project, "");
    assert_string_equal(facts.domain, "");
    assert_true(read_token("{\"token\": {\"expires_at\": \"2026-11-30T12:43:30Z\", \"user\":"
                           " {\"domain\": {\"id\": \"d1\", \"name\": \"Sales\"}}}}",
                           &facts));
    assert_string_equal(facts.domain, "d1");
    assert_string_equal(facts.domain_name, "Sales");
}

static void what_describes_no_token_is_not_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "{\"token\": 1}",
        "{\"token\": {}}",
        "{\"token\": {\"expires_at\": \"soon\"}}",
        "{\"token\": {\"expires_at\": \"1026-11-30T12:43:30Z\"}}",
        "{\"token\": {\"expires_at\": \"2026-11-30T12:43:30Z\", \"project\": {}}}",
        "{\"token\": {\"expires_at\": \"2026-11-30T12:43:30Z\", \"project\": {\"id\": 1}}}",
    };
    struct token_facts facts;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_false(read_token(rows[i], &facts));
}

/* A project whose name is the id of another one. */
#define PROJECTS                                                                                   \
    "{\"projects\": [{\"id\": \"p1\", \"name\": \"p2\", \"domain_id\": \"default\"},"              \
    " {\"id\": \"p2\", \"name\": \"demo\", \"domain_id\": \"default\"},"                           \
    " {\"id\": \"p3\", \"name\": \"demo\", \"domain_id\": \"0123456789abcdef0123456789abcdef\"},"  \
    " {\"id\": \"p4\", \"name\": \"sales\", \"domain_id\": \"default\"}]}"

static enum project_choice choose(const char *json, const char *project, const char *domain,
                                  char id[KEYSTONE_TEXT_MAX], char names[KEYSTONE_TEXT_MAX])
{
    struct reply reply = reply_of(json);
    enum project_choice choice = answer_choose_project(&reply, project, domain, id, names);
    reply_free(&reply);
    return choice;
}

static void a_project_is_chosen_by_id_then_by_name(void **state)
{
    (void)state;
    static const struct {
        char project[8], domain[40];
        enum project_choice choice;
        const char *id;
    } rows[] = {
        {"p2", "", PROJECT_FOUND, "p2"},
        {"demo", "", PROJECT_MANY, NULL},
        {"demo", "default", PROJECT_FOUND, "p2"},
        {"demo", "0123456789abcdef0123456789abcdef", PROJECT_FOUND, "p3"},
        {"demo", "unknown", PROJECT_MANY, NULL},
        {"p2", "unknown", PROJECT_FOUND, "p2"},
        {"sales", "unknown", PROJECT_FOUND, "p4"},
        {"sales", "0123456789abcdef0123456789abcdef", PROJECT_FOUND, "p4"},
        {"DEMO", "", PROJECT_NONE, NULL},
        {"", "", PROJECT_MANY, NULL},
        {"", "default", PROJECT_MANY, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[KEYSTONE_TEXT_MAX], names[KEYSTONE_TEXT_MAX];
        assert_int_equal(choose(PROJECTS, rows[i].project, rows[i].domain, id, names),
                         rows[i].choice);
        assert_string_equal(names, "p2, demo, demo, sales");
        if (rows[i].id)
            assert_string_equal(id, rows[i].id);
    }
}

static void a_list_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "{}", "{\"projects\": {}}", "{\"projects\": [{}]}"};
    char id[KEYSTONE_TEXT_MAX], names[KEYSTONE_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(choose(rows[i], "", "", id, names), PROJECT_UNREADABLE);
    assert_int_equal(choose("{\"projects\": []}", "", "", id, names), PROJECT_NONE);
    assert_string_equal(names, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_a_token_are_read),
        cmocka_unit_test(what_describes_no_token_is_not_read),
        cmocka_unit_test(a_project_is_chosen_by_id_then_by_name),
        cmocka_unit_test(a_list_that_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
