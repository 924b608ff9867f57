/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/ingest/ingest_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static void a_newcomer_has_a_limit(void **state)
{
    (void)state;
    struct holders holders = {0};
    struct share share = {0};
    assert_int_equal(buffer_share_room(&holders, &share), 16 * KIB);
    buffer_share_add(&holders, &share, 5);
    assert_int_equal(buffer_share_room(&holders, &share), 16 * KIB - 5);
    buffer_share_add(&holders, &share, 16 * KIB - 5);
    assert_int_equal(buffer_share_room(&holders, &share), 0);
    assert_int_equal(holders.newcomers, 16 * KIB);
    buffer_share_end(&holders, &share);
    buffer_share_end(&holders, &share);
    assert_int_equal(holders.newcomers, 0);
    assert_int_equal(buffer_share_room(&holders, &share), 16 * KIB);
}

static void all_newcomers_have_a_limit(void **state)
{
    (void)state;
    struct holders holders = {.newcomers = 4 * MIB - 7};
    struct share share = {0};
    assert_int_equal(buffer_share_room(&holders, &share), 7);
    buffer_share_add(&holders, &share, 7);
    assert_int_equal(buffer_share_room(&holders, &share), 0);
    assert_int_equal(buffer_share_vouch(&holders, &share, "192.0.2.1"), BUFFER_SHARE_KNOWN);
    assert_int_equal(buffer_share_room(&holders, &share), 4 * MIB - 7);
    assert_int_equal(holders.newcomers, 4 * MIB - 7);
    assert_int_equal(holders.known, 7);
    buffer_share_end(&holders, &share);
    assert_int_equal(holders.known, 0);
    assert_null(holders.first);
}

/* The addresses of two clients, and whether they count as one. */
static void addresses_that_count_as_one(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool one;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8:0:1::1", "2001:db8:0:1:ffff::9", true},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct holders holders = {0};
        struct share a = {0}, b = {0};
        assert_int_equal(buffer_share_vouch(&holders, &a, rows[i].a), BUFFER_SHARE_KNOWN);
        assert_int_equal(buffer_share_vouch(&holders, &b, rows[i].b), BUFFER_SHARE_KNOWN);
        buffer_share_add(&holders, &a, MIB);
        assert_int_equal(buffer_share_room(&holders, &b), rows[i].one ? 3 * MIB : 4 * MIB);
        buffer_share_end(&holders, &a);
        buffer_share_end(&holders, &b);
        assert_null(holders.first);
        assert_int_equal(holders.known, 0);
    }
}

static void one_address_has_a_limit(void **state)
{
    (void)state;
    struct holders holders = {0};
    struct share greedy = {0}, late = {0}, other = {0};
    assert_int_equal(buffer_share_vouch(&holders, &greedy, "192.0.2.1"), BUFFER_SHARE_KNOWN);
    buffer_share_add(&holders, &greedy, 4 * MIB - 1);
    buffer_share_add(&holders, &late, 2);
    assert_int_equal(buffer_share_vouch(&holders, &late, "192.0.2.1"), BUFFER_SHARE_FULL);
    assert_int_equal(holders.newcomers, 2); /* it stays a newcomer */
    buffer_share_end(&holders, &late);
    assert_int_equal(buffer_share_vouch(&holders, &other, "192.0.2.2"), BUFFER_SHARE_KNOWN);
    assert_int_equal(buffer_share_room(&holders, &other), 4 * MIB);
    buffer_share_end(&holders, &greedy);
    buffer_share_end(&holders, &other);
    assert_null(holders.first);
}

static void all_addresses_have_a_limit(void **state)
{
    (void)state;
    struct holders holders = {.known = 16 * MIB - 3};
    struct share share = {0}, late = {0};
    assert_int_equal(buffer_share_vouch(&holders, &share, "192.0.2.1"), BUFFER_SHARE_KNOWN);
    assert_int_equal(buffer_share_room(&holders, &share), 3);
    buffer_share_add(&holders, &late, 4);
    assert_int_equal(buffer_share_vouch(&holders, &late, "192.0.2.2"), BUFFER_SHARE_FULL);
    buffer_share_end(&holders, &late);
    buffer_share_end(&holders, &share);
    assert_null(holders.first);
}

/* At any place in the list. */
static void addresses_end_in_any_order(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct holders holders = {0};
        struct share shares[3] = {{0}};
        for (size_t j = 0; j < 3; j++)
            assert_int_equal(buffer_share_vouch(&holders, &shares[j], addresses[j]),
                             BUFFER_SHARE_KNOWN);
        for (size_t j = 0; j < 3; j++)
            buffer_share_end(&holders, &shares[orders[i][j]]);
        assert_null(holders.first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_has_a_limit),      cmocka_unit_test(all_newcomers_have_a_limit),
        cmocka_unit_test(addresses_that_count_as_one), cmocka_unit_test(one_address_has_a_limit),
        cmocka_unit_test(all_addresses_have_a_limit),  cmocka_unit_test(addresses_end_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
