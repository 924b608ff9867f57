/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/capacity/usage_answers_fixture.h"

static void an_answer_is_for_one_token(void **state)
{
    (void)state;
    struct usage_account *account = opened("one");
    answer(account, 7);
    usage_account_close(account);
    assert_int_equal(known_to("one"), 7);
    assert_int_equal(known_to("two"), 0);
    assert_int_equal(known_to("one "), 0);
}

static void a_confirmed_project_is_for_all_of_its_tokens(void **state)
{
    (void)state;
    struct usage_account *before = opened("one");
    answer(before, 5);
    confirm("one", "p");
    confirm("two", "p");
    confirm("admin", "q");
    confirm("two", "p"); /* again */
    struct usage_account *account = opened("one");
    answer(account, 7);
    usage_account_close(account);
    assert_int_equal(known_to("one"), 7);
    assert_int_equal(known_to("two"), 7);
    assert_int_equal(known_to("admin"), 0);
    assert_int_equal(known_to("p"), 0);
    usage_account_close(before);
}

/* Every field that Glance or a server before it may know the caller by counts, in any spelling. */
static void all_credentials_count(void **state)
{
    (void)state;
    static const char *const names[] = {"X-Auth-Token", "x_storage_token", "X-Service-Token",
                                        "Authorization"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct usage_answer known;
        struct headers fields = with(names[i], "secret"), more = with(names[i], "secret");
        assert_true(headers_add(&more, "X-Auth-Token", "another"));
        struct usage_account *account = usage_account_open(all, &fields);
        answer(account, 7);
        struct usage_account *same = usage_account_open(all, &fields);
        struct usage_account *other = usage_account_open(all, &more);
        assert_ptr_equal(account, same);
        usage_account_look(other, &known, NULL);
        assert_true(known.number == 0);
        usage_account_close(account);
        usage_account_close(same);
        usage_account_close(other);
        headers_free(&fields);
        headers_free(&more);
    }
}

static void without_a_token_nothing_is_shared(void **state)
{
    (void)state;
    struct headers fields = with(NULL, NULL);
    struct usage_account *one = usage_account_open(all, &fields);
    struct usage_account *two = usage_account_open(all, &fields);
    assert_true(one && two && one != two);
    usage_answers_confirm(all, &fields, "p");
    usage_account_close(one);
    usage_account_close(two);
    headers_free(&fields);
}

static void the_names_are_bounded(void **state)
{
    (void)state;
    char token[32];
    struct usage_account *account = opened("first");
    answer(account, 7);
    for (int i = 0; i < USAGE_NAMES_MAX - 1; i++) {
        snprintf(token, sizeof token, "token %d", i);
        usage_account_close(opened(token));
        if (i == 10)
            assert_int_equal(known_to("first"), 7); /* it was used: another one goes first */
    }
    assert_int_equal(known_to("first"), 7);
    for (int i = 0; i < USAGE_NAMES_MAX; i++) {
        snprintf(token, sizeof token, "another %d", i);
        confirm(token, "p");
    }
    assert_int_equal(known_to("first"), 0);
    struct usage_answer known;
    usage_account_look(account, &known, NULL); /* whoever has it open keeps it */
    assert_int_equal(known.usage.image_size_total.limit, 7);
    usage_account_close(account);
}

static void forget_forgets(void **state)
{
    (void)state;
    confirm("one", "p");
    confirm("two", "p");
    struct usage_account *account = opened("one");
    answer(account, 7);
    usage_answers_forget(all);
    usage_account_close(account);
    assert_int_equal(known_to("one"), 0);
    assert_int_equal(known_to("two"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        USAGE_TEST(an_answer_is_for_one_token),
        USAGE_TEST(a_confirmed_project_is_for_all_of_its_tokens),
        USAGE_TEST(all_credentials_count),
        USAGE_TEST(without_a_token_nothing_is_shared),
        USAGE_TEST(the_names_are_bounded),
        USAGE_TEST(forget_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
