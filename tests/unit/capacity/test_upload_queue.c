/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/upload_queue.h"

#include "intake/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/upstream/three_endpoints.h"

static struct upload_queue *queue;
static struct loop *loop;
static char woken[64]; /* the names of the uploads that were told */

struct upload {
    char name;
    struct upload_ticket *ticket;
};

static void wake(void *context)
{
    const struct upload *upload = context;
    size_t length = strlen(woken);
    assert_true(length < sizeof woken - 1);
    woken[length] = upload->name;
}

static int begin(void **state)
{
    loop = loop_new();
    woken[0] = '\0';
    memset(woken, 0, sizeof woken);
    if (set_up(state) != 0 || !loop)
        return -1;
    queue = upload_queue_new(endpoints);
    return queue ? 0 : -1;
}

static int end(void **state)
{
    while (loop_run_sent(loop))
        continue;
    assert_int_equal(upload_queue_length(queue), 0);
    upload_queue_free(queue);
    loop_free(loop);
    return tear_down(state);
}

/* Enters with the first `count` of the three endpoints. */
static void enter_with(struct upload *upload, char name, size_t count, unsigned tried)
{
    const struct upload_queue_entry entry = {.urls = ABC,
                                             .count = count,
                                             .tried = tried,
                                             .preferred = -1,
                                             .loop = loop,
                                             .wake = wake,
                                             .context = upload};
    upload->name = name;
    upload->ticket = upload_queue_enter(queue, &entry);
    assert_non_null(upload->ticket);
}

static void enter(struct upload *upload, char name)
{
    enter_with(upload, name, 1, 0);
}

static int place_of(const struct upload *upload)
{
    return upload_ticket_endpoint(upload->ticket);
}

static void leave(struct upload *upload)
{
    upload_ticket_leave(upload->ticket);
    upload->ticket = NULL;
}

static void leave_all(struct upload *uploads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        leave(&uploads[i]);
}

static void assert_woken(const char *names)
{
    while (loop_run_sent(loop))
        continue;
    assert_string_equal(woken, names);
}

static void without_a_limit_nobody_waits(void **state)
{
    (void)state;
    struct upload all[20];
    for (int i = 0; i < 20; i++) {
        enter(&all[i], 'a');
        assert_int_equal(place_of(&all[i]), 0);
        assert_false(upload_ticket_limited(all[i].ticket));
    }
    assert_int_equal(upload_queue_length(queue), 0);
    leave_all(all, 20);
    assert_woken("");
}

static void further_uploads_wait_in_order(void **state)
{
    (void)state;
    struct upload all[5];
    upload_queue_limit(queue, 2);
    for (int i = 0; i < 5; i++)
        enter(&all[i], (char)('a' + i));
    assert_int_equal(place_of(&all[1]), 0);
    assert_true(upload_ticket_limited(all[1].ticket));
    assert_int_equal(place_of(&all[2]), UPLOAD_TICKET_WAITS);
    assert_int_equal(upload_queue_length(queue), 3);
    leave(&all[0]);
    assert_woken("c");
    assert_int_equal(place_of(&all[2]), 0);
    leave(&all[1]);
    leave(&all[2]);
    assert_woken("cde");
    assert_int_equal(upload_queue_length(queue), 0);
    leave(&all[3]);
    leave(&all[4]);
}

/* Its place in the queue is given up; nobody is told of a place that it never had. */
static void waiting_upload_may_leave(void **state)
{
    (void)state;
    struct upload all[4];
    upload_queue_limit(queue, 1);
    for (int i = 0; i < 4; i++)
        enter(&all[i], (char)('a' + i));
    leave(&all[2]);
    assert_int_equal(upload_queue_length(queue), 2);
    leave(&all[0]);
    leave(&all[1]); /* it was given the place, and has not been told yet */
    assert_woken("d");
    leave(&all[3]);
    upload_ticket_leave(NULL);
}

static void newcomer_does_not_overtake(void **state)
{
    (void)state;
    struct upload all[3];
    upload_queue_limit(queue, 1);
    enter(&all[0], 'a');
    enter(&all[1], 'b');
    leave(&all[0]);
    enter(&all[2], 'c'); /* before b was told */
    assert_int_equal(place_of(&all[1]), 0);
    assert_int_equal(place_of(&all[2]), UPLOAD_TICKET_WAITS);
    leave(&all[1]);
    assert_woken("c");
    leave(&all[2]);
}

static void an_upload_goes_where_there_is_a_place(void **state)
{
    (void)state;
    struct upload all[7];
    unsigned uploads[THREE] = {0};
    upload_queue_limit(queue, 2);
    for (int i = 0; i < 7; i++)
        enter_with(&all[i], (char)('a' + i), THREE, 0);
    for (int i = 0; i < 6; i++)
        uploads[place_of(&all[i])]++;
    for (int i = 0; i < THREE; i++)
        assert_int_equal(uploads[i], 2);
    int freed = place_of(&all[4]);
    leave(&all[4]);
    assert_woken("g");
    assert_int_equal(place_of(&all[6]), freed);
    leave_all(all, 4);
    leave_all(all + 5, 2);
}

static void endpoints_that_were_tried_are_left_out(void **state)
{
    (void)state;
    struct upload all[3];
    upload_queue_limit(queue, 1);
    enter_with(&all[0], 'a', THREE, 1U << 0 | 1U << 2);
    assert_int_equal(place_of(&all[0]), 1);
    enter_with(&all[1], 'b', THREE, 1U << 0 | 1U << 2);
    assert_int_equal(place_of(&all[1]), UPLOAD_TICKET_WAITS);
    enter_with(&all[2], 'c', THREE, 0); /* b waits for another endpoint */
    assert_int_not_equal(place_of(&all[2]), 1);
    leave(&all[0]);
    assert_woken("b");
    leave(&all[1]);
    leave(&all[2]);
}

/* Otherwise uploads would fail although they only had to wait. */
static void no_place_is_taken_where_glance_is_out(void **state)
{
    (void)state;
    struct upload all[3];
    upload_queue_limit(queue, 1);
    endpoints_refused(endpoints, B);
    enter_with(&all[0], 'a', 2, 0);
    assert_int_equal(place_of(&all[0]), 0);
    enter_with(&all[1], 'b', 2, 0);
    enter_with(&all[2], 'c', 2, 0);
    assert_int_equal(place_of(&all[1]), UPLOAD_TICKET_WAITS);
    endpoints_answered(endpoints, B);
    upload_ticket_retry(all[2].ticket); /* it is not the first */
    assert_woken("");
    upload_ticket_retry(all[1].ticket);
    assert_woken("b");
    assert_int_equal(place_of(&all[1]), 1);
    upload_ticket_retry(all[1].ticket);
    endpoints_refused(endpoints, A);
    endpoints_refused(endpoints, B);
    leave(&all[0]); /* all are out: each is tried */
    assert_woken("bc");
    leave(&all[1]);
    leave(&all[2]);
}

static void reload_changes_the_limit(void **state)
{
    (void)state;
    struct upload all[6];
    for (int i = 0; i < 3; i++)
        enter(&all[i], (char)('a' + i));
    upload_queue_limit(queue, 2); /* those before count, too */
    for (int i = 3; i < 6; i++)
        enter(&all[i], (char)('a' + i));
    leave(&all[0]);
    assert_woken("");
    upload_queue_limit(queue, 3);
    assert_woken("d");
    upload_queue_limit(queue, 0);
    assert_woken("def");
    assert_false(upload_ticket_limited(all[5].ticket));
    leave_all(all + 1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_limit_nobody_waits, begin, end),
        cmocka_unit_test_setup_teardown(further_uploads_wait_in_order, begin, end),
        cmocka_unit_test_setup_teardown(waiting_upload_may_leave, begin, end),
        cmocka_unit_test_setup_teardown(newcomer_does_not_overtake, begin, end),
        cmocka_unit_test_setup_teardown(an_upload_goes_where_there_is_a_place, begin, end),
        cmocka_unit_test_setup_teardown(endpoints_that_were_tried_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(no_place_is_taken_where_glance_is_out, begin, end),
        cmocka_unit_test_setup_teardown(reload_changes_the_limit, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
