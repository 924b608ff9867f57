/* SPDX-License-Identifier: Apache-2.0 */
/* The reservations of one test, and requests for them. Include after <cmocka.h>. */
#ifndef CAPACITY_QUOTA_SCRIPT_H
#define CAPACITY_QUOTA_SCRIPT_H

#include "intake/quota_reservations.h"

static struct quota_reservations *all;

static int set_up(void **state)
{
    (void)state;
    all = quota_reservations_new();
    return all ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    quota_reservations_free(all);
    return 0;
}

/* 9 bytes are left, and nothing was stored before now. */
static struct quota_request requested(uint64_t bytes)
{
    return (struct quota_request){
        .key = "a", .bytes = bytes, .left = 9, .mark = quota_reservations_mark(all)};
}

static void must_be(enum quota_outcome wanted, const struct quota_request *it,
                    struct quota_reservation *out)
{
    uint64_t firm;
    assert_int_equal(quota_reserve(all, it, out, &firm), wanted);
}

#endif
