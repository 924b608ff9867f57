/* SPDX-License-Identifier: Apache-2.0 */
/* The clock stands still until a test moves it. */
#include "keystone/throttle.h"

#include "intake/clock.h"

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

static struct throttle *throttle;
static struct hash_key key;
static uint64_t retry_ms;

static int begin(void **state)
{
    (void)state;
    now = 1000000;
    throttle = throttle_new();
    return throttle && hash_key_make(&key) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    throttle_free(throttle);
    return 0;
}

static enum throttle_verdict try(const char *address, const char *user)
{
    struct throttle_caller caller;
    assert_true(throttle_caller_of(&key, address, user, &caller));
    return throttle_begin(throttle, &caller, &retry_ms);
}

static void finish(const char *address, const char *user, enum throttle_outcome outcome)
{
    struct throttle_caller caller;
    assert_true(throttle_caller_of(&key, address, user, &caller));
    throttle_end(throttle, &caller, outcome);
}

static void fail_at(const char *address, const char *user)
{
    assert_int_equal(try(address, user), THROTTLE_GO);
    finish(address, user, THROTTLE_BAD);
}

/* Each attempt comes from another address, so that only the name counts. */
static void fail_user(const char *user, unsigned times)
{
    static unsigned place;
    char address[32];
    for (unsigned i = 0; i < times; i++) {
        place++;
        snprintf(address, sizeof address, "10.0.%u.%u", place / 256, place % 256);
        fail_at(address, user);
    }
}

/* Each attempt is for another name, so that only the address counts. */
static void fail_address(const char *address, unsigned times)
{
    static unsigned number;
    char user[32];
    for (unsigned i = 0; i < times; i++) {
        snprintf(user, sizeof user, "u%u", number++);
        fail_at(address, user);
    }
}

static void assert_refused(const char *address, const char *user, uint64_t expected_ms)
{
    assert_int_equal(try(address, user), THROTTLE_REFUSE);
    assert_int_equal(retry_ms, expected_ms);
}

static void a_user_waits_longer_and_longer(void **state)
{
    (void)state;
    fail_user("demo", THROTTLE_USER_FREE);
    uint64_t delay = THROTTLE_USER_FIRST_MS;
    while (delay < THROTTLE_USER_MOST_MS) {
        assert_refused("192.0.2.1", "demo", delay);
        now += delay - 1;
        assert_refused("192.0.2.1", "demo", 1);
        now++;
        fail_user("demo", 1);
        delay *= 2;
    }
    assert_refused("192.0.2.1", "demo", THROTTLE_USER_MOST_MS);
    assert_int_equal(try("192.0.2.1", "other"), THROTTLE_GO);
}

static void an_address_waits_longer_and_longer(void **state)
{
    (void)state;
    fail_address("192.0.2.1", THROTTLE_ADDRESS_FREE);
    assert_refused("192.0.2.1", "x", THROTTLE_ADDRESS_FIRST_MS);
    now += THROTTLE_ADDRESS_FIRST_MS;
    fail_address("192.0.2.1", 1);
    assert_refused("192.0.2.1", "x", 2 * THROTTLE_ADDRESS_FIRST_MS);
    assert_int_equal(try("192.0.2.2", "x"), THROTTLE_GO);
}

static void success_frees_the_user_and_not_the_address(void **state)
{
    (void)state;
    fail_user("demo", THROTTLE_USER_FREE - 1);
    fail_address("192.0.2.1", THROTTLE_ADDRESS_FREE - 1);
    assert_int_equal(try("192.0.2.1", "demo"), THROTTLE_GO);
    finish("192.0.2.1", "demo", THROTTLE_GOOD);
    fail_user("demo", THROTTLE_USER_FREE - 1);
    fail_address("192.0.2.1", 1);
    assert_refused("192.0.2.1", "x", THROTTLE_ADDRESS_FIRST_MS);
}

static void failures_are_forgotten(void **state)
{
    (void)state;
    fail_user("demo", THROTTLE_USER_FREE);
    fail_address("192.0.2.1", THROTTLE_ADDRESS_FREE);
    now += THROTTLE_USER_FORGET_MS;
    fail_user("demo", THROTTLE_USER_FREE);
    fail_address("192.0.2.1", THROTTLE_ADDRESS_FREE);
}

/* Otherwise a thousand passwords at one time would all be tried. */
static void attempts_under_way_count(void **state)
{
    (void)state;
    for (unsigned i = 0; i < THROTTLE_USER_FREE; i++)
        assert_int_equal(try("192.0.2.1", "demo"), THROTTLE_GO);
    assert_int_equal(try("192.0.2.2", "demo"), THROTTLE_WAIT);
    finish("192.0.2.1", "demo", THROTTLE_UNDECIDED);
    assert_int_equal(try("192.0.2.2", "demo"), THROTTLE_GO);
    finish("192.0.2.2", "demo", THROTTLE_BAD);
    finish("192.0.2.1", "demo", THROTTLE_BAD);
    finish("192.0.2.1", "demo", THROTTLE_BAD);
    assert_refused("192.0.2.2", "demo", THROTTLE_USER_FIRST_MS);
    now += THROTTLE_USER_FIRST_MS;
    assert_int_equal(try("192.0.2.1", "demo"), THROTTLE_GO);
    assert_int_equal(try("192.0.2.2", "demo"), THROTTLE_WAIT);
}

static void spellings_of_a_user_are_one_user(void **state)
{
    (void)state;
    static const char *const same[] = {"DEMO", "dEmo", " demo ", "demo\xc3\xa9"};
    fail_user("demo", THROTTLE_USER_FREE);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_refused("192.0.2.1", same[i], THROTTLE_USER_FIRST_MS);
}

static void a_v6_customer_is_one_address(void **state)
{
    (void)state;
    fail_address("2001:db8::1", THROTTLE_ADDRESS_FREE);
    assert_refused("2001:db8::ffff:1", "x", THROTTLE_ADDRESS_FIRST_MS);
    assert_int_equal(try("2001:db8:0:1::1", "x"), THROTTLE_GO);
}

/* Whoever fills the table gets rid of what failed longest ago at most. */
static void the_table_is_bounded(void **state)
{
    (void)state;
    fail_user("demo", THROTTLE_USER_FREE);
    now++;
    for (unsigned i = 0; i < THROTTLE_ROWS - 1; i++) {
        char user[32];
        snprintf(user, sizeof user, "other%u", i);
        fail_user(user, 1);
    }
    assert_refused("192.0.2.1", "demo", THROTTLE_USER_FIRST_MS - 1);
    fail_user("last", 1);
    assert_int_equal(try("192.0.2.1", "demo"), THROTTLE_GO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_waits_longer_and_longer),
        TEST(an_address_waits_longer_and_longer),
        TEST(success_frees_the_user_and_not_the_address),
        TEST(failures_are_forgotten),
        TEST(attempts_under_way_count),
        TEST(spellings_of_a_user_are_one_user),
        TEST(a_v6_customer_is_one_address),
        TEST(the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
