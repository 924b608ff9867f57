/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/fair_shares.h"

#include "intake/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/policies.h"

static struct fair_shares *all;
static struct loop *loop;
static char woken[64]; /* the names of the uploads that were told */

struct upload {
    char name;
    struct share_ticket *ticket;
};

static int begin(void **state)
{
    memset(woken, 0, sizeof woken);
    all = fair_shares_new();
    loop = loop_new();
    return all && loop ? scratch_begin(state) : -1;
}

static int end(void **state)
{
    while (loop_run_sent(loop))
        continue;
    assert_int_equal(fair_shares_waiting(all), 0);
    fair_shares_free(all);
    loop_free(loop);
    return scratch_end(state);
}

static void wake(void *context)
{
    woken[strlen(woken)] = ((const struct upload *)context)->name;
}

static void assert_woken(const char *names)
{
    while (loop_run_sent(loop))
        continue;
    assert_string_equal(woken, names);
}

static void enter_by(struct upload *upload, const struct policy_share *limits, const char *project,
                     const char *client)
{
    const struct share_entry entry = {.limits = limits,
                                      .project = project,
                                      .client = client,
                                      .loop = loop,
                                      .wake = wake,
                                      .context = upload};
    upload->ticket = fair_shares_enter(all, &entry);
    assert_non_null(upload->ticket);
}

/* Limits of the whole policy. */
static void enter(struct upload *upload, uint64_t uploads, uint64_t per_client, const char *project,
                  const char *client)
{
    const struct policy_share limits[POLICY_LIMIT_COUNT] = {
        [POLICY_LIMIT_UPLOADS] = {uploads, NULL},
        [POLICY_LIMIT_UPLOADS_PER_CLIENT] = {per_client, NULL}};
    enter_by(upload, limits, project, client);
}

static void leave(struct upload *upload)
{
    share_leave(upload->ticket);
    upload->ticket = NULL;
}

static void a_project_waits_in_order_and_others_do_not(void **state)
{
    (void)state;
    struct upload one[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    struct upload other = {.name = 'x'};
    for (int i = 0; i < 4; i++)
        enter(&one[i], 2, 0, "p", "192.0.2.1");
    assert_false(share_waits(one[1].ticket));
    assert_true(share_waits(one[2].ticket));
    enter(&other, 2, 0, "q", "192.0.2.1");
    assert_false(share_waits(other.ticket));
    assert_int_equal(fair_shares_waiting(all), 2);
    leave(&one[0]);
    assert_woken("c");
    leave(&one[1]);
    assert_woken("cd");
    leave(&one[2]);
    leave(&one[3]);
    leave(&other);
    assert_woken("cd");
}

static void a_client_is_counted_over_projects(void **state)
{
    (void)state;
    struct upload all_of[3] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
    enter(&all_of[0], 0, 1, "p", "192.0.2.1");
    enter(&all_of[1], 0, 1, "q", "192.0.2.1");
    enter(&all_of[2], 0, 1, "p", "192.0.2.2");
    assert_true(share_waits(all_of[1].ticket));
    assert_false(share_waits(all_of[2].ticket));
    leave(&all_of[0]);
    assert_woken("b");
    leave(&all_of[1]);
    leave(&all_of[2]);
}

/* One whose client is full lets the next one of its project pass. */
static void both_limits_must_have_room(void **state)
{
    (void)state;
    struct upload all_of[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    enter(&all_of[0], 2, 1, "p", "192.0.2.1");
    enter(&all_of[1], 2, 1, "p", "192.0.2.1");
    enter(&all_of[2], 2, 1, "p", "192.0.2.2");
    enter(&all_of[3], 2, 1, "p", "192.0.2.3");
    assert_true(share_waits(all_of[1].ticket));
    assert_false(share_waits(all_of[2].ticket));
    assert_true(share_waits(all_of[3].ticket));
    leave(&all_of[2]);
    assert_woken("d");
    leave(&all_of[0]);
    assert_woken("db");
    leave(&all_of[1]);
    leave(&all_of[3]);
}

static void the_limit_of_a_rule_is_counted_apart(void **state)
{
    (void)state;
    const struct policy_share mine[POLICY_LIMIT_COUNT] = {[POLICY_LIMIT_UPLOADS] = {1, "mine"}};
    const struct policy_share top[POLICY_LIMIT_COUNT] = {[POLICY_LIMIT_UPLOADS] = {1, NULL}};
    struct upload all_of[3] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
    enter_by(&all_of[0], mine, "p", "192.0.2.1");
    enter_by(&all_of[1], top, "p", "192.0.2.1");
    enter_by(&all_of[2], mine, "p", "192.0.2.1");
    assert_false(share_waits(all_of[1].ticket));
    assert_true(share_waits(all_of[2].ticket));
    for (int i = 0; i < 3; i++)
        leave(&all_of[i]);
}

static void a_waiting_upload_may_leave(void **state)
{
    (void)state;
    struct upload all_of[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    for (int i = 0; i < 4; i++)
        enter(&all_of[i], 1, 0, "p", "192.0.2.1");
    leave(&all_of[2]);
    leave(&all_of[0]);
    leave(&all_of[1]); /* it was given its share, and has not been told yet */
    assert_woken("d");
    leave(&all_of[3]);
    share_leave(NULL);
}

static void a_reload_reaches_those_that_wait(void **state)
{
    struct upload all_of[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    struct policy *two = good_policy(state, "limits: {uploads: 2}\ndefault: {store: a}\n");
    struct policy *none = good_policy(state, "default: {store: a}\n");
    for (int i = 0; i < 3; i++)
        enter(&all_of[i], 1, 0, "p", "192.0.2.1");
    fair_shares_reload(all, two);
    assert_woken("b");
    enter(&all_of[3], 1, 0, "p", "192.0.2.1"); /* decided by the policy before */
    assert_int_equal(fair_shares_waiting(all), 2);
    fair_shares_reload(all, none);
    assert_woken("bcd");
    for (int i = 0; i < 4; i++)
        leave(&all_of[i]);
    policy_free(two);
    policy_free(none);
}

static void a_rate_slows_all_uploads_of_a_project(void **state)
{
    enum { RATE = 1 << 20, BLOCK = RATE / 20 };
    struct policy *none = good_policy(state, "default: {store: a}\n");
    const struct policy_share limits[POLICY_LIMIT_COUNT] = {[POLICY_LIMIT_RATE] = {RATE, NULL}};
    struct upload one = {.name = 'a'}, other = {.name = 'b'};
    uint64_t now = 1000000, wait = 0;
    size_t all_bytes = 0;
    enter_by(&one, limits, "p", "192.0.2.1");
    enter_by(&other, limits, "p", "192.0.2.2");
    assert_int_equal(share_room(one.ticket, 7, now, &wait), 7);
    for (size_t room; (room = share_room(one.ticket, SIZE_MAX, now, &wait)) > 0;) {
        assert_int_equal(room, BLOCK);
        share_took(one.ticket, room, now);
        all_bytes += room;
    }
    assert_in_range(all_bytes, RATE / 5, RATE / 3); /* what was saved up */
    assert_in_range(wait, 1, 60);
    assert_int_equal(share_room(other.ticket, 100, now, &wait), 0);
    assert_int_equal(share_room(other.ticket, 100, now + wait, &wait), 100);
    fair_shares_reload(all, none);
    assert_int_equal(share_room(one.ticket, SIZE_MAX, now, &wait), SIZE_MAX);
    leave(&one);
    leave(&other);
    policy_free(none);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_project_waits_in_order_and_others_do_not),
        TEST(a_client_is_counted_over_projects),
        TEST(both_limits_must_have_room),
        TEST(the_limit_of_a_rule_is_counted_apart),
        TEST(a_waiting_upload_may_leave),
        TEST(a_reload_reaches_those_that_wait),
        TEST(a_rate_slows_all_uploads_of_a_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
