/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/capacity/usage_answers_fixture.h"

static void one_question_at_a_time(void **state)
{
    (void)state;
    struct usage_answer known;
    char fault[USAGE_FAULT_MAX];
    struct usage_account *account = opened("one"), *other = opened("two");
    assert_false(usage_account_is_asked(account));
    uint64_t first = usage_account_begin(account, 3);
    assert_true(first > 0 && usage_account_is_asked(account));
    assert_int_equal(usage_account_begin(account, 4), 0);
    assert_true(usage_account_begin(other, 4) > first);
    usage_account_end(account, NULL, "it answers 500");
    usage_account_look(account, &known, fault);
    assert_true(known.number == 0 && !usage_account_is_asked(account));
    assert_string_equal(fault, "it answers 500");
    answer(account, 7);
    usage_account_look(account, &known, fault);
    assert_true(known.number > first);
    assert_string_equal(fault, "");
    uint64_t latest = usage_account_begin(account, 9);
    assert_int_equal(latest, usage_answers_latest(all));
    usage_account_end(account, NULL, "it answers 500"); /* what was known is kept */
    usage_account_look(account, &known, fault);
    assert_int_equal(known.usage.image_size_total.limit, 7);
    usage_account_end(other, &known.usage, NULL);
    usage_account_close(account);
    usage_account_close(other);
}

/* The limit may have been lowered while Glance was reading it. */
static void the_age_counts_from_the_beginning_of_the_question(void **state)
{
    (void)state;
    struct usage_answer known;
    struct usage_account *account = opened("one");
    assert_true(usage_account_begin(account, 11) > 0);
    now += 40000;
    usage_account_end(account, &(struct usage){0}, NULL);
    now += 7;
    usage_account_look(account, &known, NULL);
    assert_int_equal(known.age_ms, 40007);
    assert_int_equal(known.mark, 11);
    usage_account_close(account);
}

/* Those that had ended before the question are in the answer. */
static void uploads_that_the_answer_may_lack_are_counted(void **state)
{
    (void)state;
    struct usage_answer known;
    struct usage_account *account = opened("one");
    for (int i = 0; i < 3; i++)
        usage_account_upload(account);
    usage_account_uploaded(account);
    assert_true(usage_account_begin(account, 0) > 0);
    usage_account_upload(account);
    usage_account_uploaded(account);
    usage_account_uploaded(account);
    usage_account_end(account, &(struct usage){0}, NULL);
    usage_account_look(account, &known, NULL);
    assert_int_equal(known.uploads, 3);
    assert_int_equal(known.uploads_now, 1);
    usage_account_close(account);
}

/* --- listeners --------------------------------------------------------------------------- */

static int heard;
static struct usage_listener ear;

static void hear(struct task *task)
{
    assert_ptr_equal(task, &ear.task);
    usage_listener_heard(all, &ear);
    heard++;
}

static void listeners_are_told_in_their_loop(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    ear = (struct usage_listener){.loop = loop, .task.run = hear};
    heard = 0;
    usage_listener_begin(all, &ear);
    struct usage_account *account = opened("one");
    answer(account, 1);
    answer(account, 2); /* once is enough */
    assert_int_equal(heard, 0);
    assert_true(loop_run_sent(loop));
    assert_int_equal(heard, 1);
    answer(account, 3);
    usage_listener_end(all, &ear); /* runs the task */
    assert_int_equal(heard, 2);
    answer(account, 4);
    assert_false(loop_run_sent(loop));
    usage_account_close(account);
    loop_free(loop);
}

/* --- threads ----------------------------------------------------------------------------- */

static void *use(void *context)
{
    char token[32];
    struct usage_answer known;
    for (int i = 0; i < 300; i++) {
        snprintf(token, sizeof token, "token %d", i % 7);
        confirm(token, i % 2 ? "p" : "q");
        struct usage_account *account = opened(token);
        if (usage_account_begin(account, 0))
            usage_account_end(account, i % 3 ? &(struct usage){0} : NULL, "it answers 500");
        usage_account_look(account, &known, NULL);
        usage_account_close(account);
    }
    return context;
}

static void workers_share_them(void **state)
{
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        USAGE_TEST(one_question_at_a_time),
        USAGE_TEST(the_age_counts_from_the_beginning_of_the_question),
        USAGE_TEST(uploads_that_the_answer_may_lack_are_counted),
        USAGE_TEST(listeners_are_told_in_their_loop),
        USAGE_TEST(workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
