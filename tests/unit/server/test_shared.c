/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/shared.h"

#include "intake/capacity.h"
#include "intake/spool.h"
#include "intake/stores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The linker takes the capacity of this test instead of the library's. */
static bool no_memory;
static int rooms_made;

struct capacity *capacity_new(void)
{
    if (no_memory)
        return NULL;
    rooms_made++;
    return (struct capacity *)&rooms_made;
}

void capacity_free(struct capacity *capacity)
{
    if (capacity)
        rooms_made--;
}

static void shared_memory_is_complete_or_fails(void **state)
{
    (void)state;
    for (int without = 0; without < 2; without++) {
        struct shared shared = {0};
        no_memory = without;
        assert_int_equal(shared_begin(&shared), !without);
        assert_non_null(shared.thread_pool);
        assert_non_null(shared.digest_threads);
        assert_non_null(shared.decompress_threads);
        assert_int_equal(spools_used(shared.spools), 0);
        assert_int_equal(stores_look(shared.stores, "test"), STORE_UNKNOWN);
        assert_non_null(shared.upload_locks);
        assert_int_equal(shared.capacity != NULL, !without);
        shared_end(&shared);
        assert_int_equal(rooms_made, 0);
    }
}

static void shared_end_accepts_an_unstarted_one(void **state)
{
    (void)state;
    struct shared shared = {0};
    shared_end(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_memory_is_complete_or_fails),
        cmocka_unit_test(shared_end_accepts_an_unstarted_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
