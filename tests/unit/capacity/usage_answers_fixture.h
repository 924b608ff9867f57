/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of usage answers share: a clock of their own, tokens, accounts. */
#ifndef TESTS_USAGE_ANSWERS_FIXTURE_H
#define TESTS_USAGE_ANSWERS_FIXTURE_H

#include "intake/usage_answers.h"

#include "intake/clock.h"
#include "intake/headers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The clock is this test's: the linker takes it, and leaves the library's in the archive. */
static uint64_t now;

uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

static struct usage_answers *all;

__attribute__((unused)) static int set_up(void **state)
{
    (void)state;
    now = 1000;
    all = usage_answers_new();
    return all ? 0 : -1;
}

__attribute__((unused)) static int tear_down(void **state)
{
    (void)state;
    usage_answers_free(all);
    return 0;
}

/* A head with one field. */
__attribute__((unused)) static struct headers with(const char *name, const char *value)
{
    struct headers fields = {0};
    assert_true(headers_add(&fields, "Accept", "*/*"));
    if (name)
        assert_true(headers_add(&fields, name, value));
    return fields;
}

__attribute__((unused)) static struct usage_account *opened(const char *token)
{
    struct headers fields = with("X-Auth-Token", token);
    struct usage_account *account = usage_account_open(all, &fields);
    headers_free(&fields);
    assert_non_null(account);
    return account;
}

__attribute__((unused)) static void confirm(const char *token, const char *project)
{
    struct headers fields = with("X-Auth-Token", token);
    usage_answers_confirm(all, &fields, project);
    headers_free(&fields);
}

__attribute__((unused)) static void answer(struct usage_account *account, int64_t limit)
{
    const struct usage usage = {.image_size_total = {true, limit, 0}};
    assert_true(usage_account_begin(account, 0) > 0);
    usage_account_end(account, &usage, NULL);
}

/* The limit that is known to the account of a token. 0: none is. */
__attribute__((unused)) static int64_t known_to(const char *token)
{
    struct usage_answer known;
    struct usage_account *account = opened(token);
    usage_account_look(account, &known, NULL);
    usage_account_close(account);
    return known.number ? known.usage.image_size_total.limit : 0;
}

#define USAGE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
