/* SPDX-License-Identifier: Apache-2.0 */
/* The clock stands still until a test moves it. */
#include "keystone/known_tokens.h"

#include "intake/clock.h"
#include "intake/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t now;

uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

static struct known_tokens *tokens;

static int begin(void **state)
{
    (void)state;
    now = 1000000;
    tokens = known_tokens_new();
    return tokens ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    known_tokens_free(tokens);
    return 0;
}

static struct keyed_hash named(unsigned name)
{
    struct keyed_hash hash = {{0}};
    memcpy(hash.bytes, &name, sizeof name);
    return hash;
}

/* `expected` NULL: there is no token. */
static void assert_known(unsigned name, enum known_state state, const char *expected)
{
    char *token = NULL;
    struct token_facts facts;
    struct keyed_hash hash = named(name);
    assert_int_equal(known_tokens_begin(tokens, &hash, &token, &facts), state);
    assert_int_equal(!token, !expected);
    if (expected) {
        assert_string_equal(token, expected);
        assert_string_equal(facts.project, "p");
    }
    secret_free(token);
}

static void tell(unsigned name, const char *token, uint64_t lifetime_ms)
{
    struct keyed_hash hash = named(name);
    const struct token_facts facts = {.project = "p", .expires_ms = now + lifetime_ms};
    known_tokens_end(tokens, &hash, token, &facts);
}

static void remember(unsigned name, const char *token)
{
    assert_known(name, KNOWN_NOTHING, NULL);
    tell(name, token, 3600000);
}

static void a_token_is_known_after_it_was_asked_for(void **state)
{
    (void)state;
    assert_known(1, KNOWN_NOTHING, NULL);
    assert_known(1, KNOWN_ASKED, NULL);
    assert_known(2, KNOWN_NOTHING, NULL);
    tell(1, "t1", 3600000);
    assert_known(1, KNOWN_TOKEN, "t1");
    assert_known(2, KNOWN_ASKED, NULL);
    tell(2, NULL, 0);
    assert_known(2, KNOWN_NOTHING, NULL);
}

static void a_token_is_not_given_out_shortly_before_its_end(void **state)
{
    (void)state;
    assert_known(1, KNOWN_NOTHING, NULL);
    tell(1, "t1", KNOWN_TOKEN_MARGIN_MS + 2);
    now++;
    assert_known(1, KNOWN_TOKEN, "t1");
    now++;
    assert_known(1, KNOWN_NOTHING, NULL);
}

static void a_token_that_glance_refused_is_dropped(void **state)
{
    (void)state;
    struct keyed_hash hash = named(1);
    remember(1, "t1");
    known_tokens_drop(tokens, &hash, "older");
    assert_known(1, KNOWN_TOKEN, "t1");
    known_tokens_drop(tokens, &hash, "t1");
    assert_known(1, KNOWN_NOTHING, NULL);
    known_tokens_drop(tokens, &hash, "t1");
    assert_known(1, KNOWN_ASKED, NULL);
    known_tokens_drop(tokens, &hash, NULL);
    assert_known(1, KNOWN_ASKED, NULL);
    tell(1, "t2", 3600000);
    known_tokens_drop(tokens, &hash, NULL);
    assert_known(1, KNOWN_NOTHING, NULL);
}

static void the_one_that_was_not_used_longest_goes_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KNOWN_TOKENS_MAX; i++, now++)
        remember(i, "t");
    assert_known(0, KNOWN_TOKEN, "t");
    remember(KNOWN_TOKENS_MAX, "t");
    assert_known(0, KNOWN_TOKEN, "t");
    assert_known(1, KNOWN_NOTHING, NULL);
}

/* Questions that are under way keep their rows. Another one is asked, and not remembered. */
static void there_is_an_end_to_questions_that_are_noted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KNOWN_TOKENS_MAX; i++)
        assert_known(i, KNOWN_NOTHING, NULL);
    remember(KNOWN_TOKENS_MAX, "t");
    assert_known(KNOWN_TOKENS_MAX, KNOWN_NOTHING, NULL);
    assert_known(0, KNOWN_ASKED, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_known_after_it_was_asked_for),
        TEST(a_token_is_not_given_out_shortly_before_its_end),
        TEST(a_token_that_glance_refused_is_dropped),
        TEST(the_one_that_was_not_used_longest_goes_first),
        TEST(there_is_an_end_to_questions_that_are_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
