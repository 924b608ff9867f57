/* SPDX-License-Identifier: Apache-2.0 */
/* What other proxies have reserved and stored. */
#include "intake/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quota_script.h"

static void hear(uint64_t firm, uint64_t provisional, uint64_t stored)
{
    struct tally *elsewhere = tally_new();
    assert_non_null(elsewhere);
    assert_true(tally_add(elsewhere, "a", (struct tally_bytes){firm, provisional}));
    quota_reservations_hear(all, elsewhere, stored);
}

/* What others have may be a second old, so it causes a wait first. */
static void reservations_of_other_proxies_count(void **state)
{
    (void)state;
    struct quota_reservation one = {0};
    struct quota_request it = requested(4);
    uint64_t firm;
    hear(6, 0, 0);
    must_be(QUOTA_WAIT, &it, &one);
    it.ignore_provisional = true;
    assert_int_equal(quota_reserve(all, &it, &one, &firm), QUOTA_FULL);
    assert_int_equal(firm, 6);
    hear(0, 6, 0);
    must_be(QUOTA_RESERVED, &it, &one);
    quota_release(&one, false);
    it.ignore_provisional = false;
    must_be(QUOTA_WAIT, &it, &one);
    quota_reservations_hear(all, NULL, 0);
    must_be(QUOTA_RESERVED, &it, &one);
    quota_release(&one, false);
}

/* And is not told on: proxies would tell it each other for ever. */
static void bytes_stored_at_other_proxies_are_in_doubt(void **state)
{
    (void)state;
    struct quota_reservation one = {0};
    struct quota_request it = requested(4);
    struct tally *told = tally_new();
    uint64_t stored = 1;
    hear(0, 0, 6);
    must_be(QUOTA_STALE, &it, &one);
    it = requested(4);
    must_be(QUOTA_RESERVED, &it, &one);
    assert_true(quota_reservations_tell(all, told, &stored));
    assert_int_equal(stored, 0);
    assert_int_equal(tally_find(told, "a").provisional, 4);
    quota_confirm(&one);
    quota_release(&one, true);
    assert_true(quota_reservations_tell(all, told, &stored));
    assert_int_equal(stored, 4);
    tally_free(told);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reservations_of_other_proxies_count),
        TEST(bytes_stored_at_other_proxies_are_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
