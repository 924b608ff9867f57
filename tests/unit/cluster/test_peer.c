/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "intake/log.h"
#include "support/scratch.h"

static struct peer peer;

static int begin(void **state)
{
    peer = (struct peer){.view.name = "192.0.2.12:9294"};
    return log_open(LOG_FORMAT_TEXT, false, "/dev/null") ? scratch_begin(state) : -1;
}

static int end(void **state)
{
    peer_free(&peer);
    return log_open(LOG_FORMAT_TEXT, false, "") ? scratch_end(state) : -1;
}

static struct peer_news hear(const char *process, uint64_t ended, uint64_t stored, uint64_t now_ms)
{
    struct counts counts;
    assert_true(counts_begin(&counts));
    snprintf(counts.process, sizeof counts.process, "%s", process);
    counts.ended = ended;
    counts.stored = stored;
    assert_true(tally_add(counts.stores, "test", (struct tally_bytes){100, 0}));
    assert_true(tally_add(counts.quotas, "p", (struct tally_bytes){10, 1}));
    return peer_heard(&peer, &counts, "own", now_ms);
}

/* The bytes in flight to the store "test". */
static uint64_t in_flight(void)
{
    struct counts sum;
    assert_true(counts_begin(&sum) && peer_add(&peer, &sum));
    uint64_t bytes = tally_find(sum.stores, "test").firm;
    counts_free(&sum);
    return bytes;
}

static void what_is_new_is_told_once(void **state)
{
    (void)state;
    struct peer_news news = hear("a", 5, 1000, 1);
    assert_true(news.ended);
    assert_int_equal(news.stored, 1000);
    news = hear("a", 5, 1000, 2);
    assert_false(news.ended);
    assert_int_equal(news.stored, 0);
    news = hear("a", 6, 1500, 3);
    assert_true(news.ended);
    assert_int_equal(news.stored, 500);
    news = hear("b", 0, 200, 4); /* it was started again */
    assert_true(news.ended);
    assert_int_equal(news.stored, 200);
    assert_int_equal(in_flight(), 100);
    assert_int_equal(peer.view.bytes, 100);
}

static void one_missed_answer_changes_nothing(void **state)
{
    (void)state;
    hear("a", 0, 0, 1);
    peer_missed(&peer, "why", 1000);
    peer_missed(&peer, "why", 2000);
    assert_int_equal(peer.view.state, PEER_ANSWERS);
    assert_int_equal(peer.view.failures, 2);
    assert_int_equal(in_flight(), 100);
    hear("a", 0, 0, 3000);
    peer_missed(&peer, "why", 4000);
    assert_int_equal(peer.view.state, PEER_ANSWERS);
}

static void silent_peer_counts_for_a_while(void **state)
{
    (void)state;
    hear("a", 0, 0, 1000);
    for (uint64_t now = 2000; now < 1000 + PEER_KEPT_MS; now += 1000)
        peer_missed(&peer, "why", now);
    assert_int_equal(peer.view.state, PEER_SILENT);
    assert_int_equal(in_flight(), 100);
    peer_missed(&peer, "why", 1000 + PEER_KEPT_MS);
    assert_int_equal(in_flight(), 0);
    assert_int_equal(peer.view.bytes, 0);
    hear("a", 0, 0, 20000);
    assert_int_equal(peer.view.state, PEER_ANSWERS);
    assert_int_equal(in_flight(), 100);
}

static void own_answer_does_not_count(void **state)
{
    (void)state;
    struct peer_news news = hear("own", 5, 1000, 1);
    assert_false(news.ended);
    assert_int_equal(news.stored, 0);
    assert_int_equal(peer.view.state, PEER_SELF);
    assert_int_equal(in_flight(), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_new_is_told_once),
        TEST(one_missed_answer_changes_nothing),
        TEST(silent_peer_counts_for_a_while),
        TEST(own_answer_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
