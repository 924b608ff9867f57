/* SPDX-License-Identifier: Apache-2.0 */
/* A resumption: bytes and the end of file through the sockets, the outcome in the object. */
#include "intake/resumption.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct resumption *begin(int *end)
{
    struct headers fields = {0};
    assert_true(headers_add(&fields, "X-Auth-Token", "new"));
    struct resumption *resumption = resumption_new(30, 12, &fields, end);
    assert_non_null(resumption);
    assert_int_equal(fields.count, 0);
    return resumption;
}

static void bytes_come_and_the_outcome_goes_back(void **state)
{
    (void)state;
    int end;
    char got[8];
    struct reply reply;
    struct resumption_outcome outcome;
    struct resumption *resumption = begin(&end);
    assert_int_equal(resumption_offset(resumption), 30);
    assert_int_equal(resumption_count(resumption), 12);
    assert_int_equal(write(end, "bytes", 5), 5);
    assert_int_equal(read(resumption_socket(resumption), got, sizeof got), 5);
    assert_int_equal(read(end, got, 1), -1);
    assert_int_equal(errno, EAGAIN);
    reply_init(&reply);
    reply.status = 204;
    assert_true(headers_add(&reply.headers, "X-Intake-Bytes", "42"));
    resumption_end(resumption, RESUMPTION_REPLY, &reply, 42);
    assert_int_equal(reply.headers.count, 0);
    assert_int_equal(read(end, got, 1), 0);
    resumption_outcome(resumption, &outcome);
    assert_int_equal(outcome.result, RESUMPTION_REPLY);
    assert_int_equal(outcome.reply.status, 204);
    assert_string_equal(headers_get(&outcome.reply.headers, "X-Intake-Bytes"), "42");
    reply_free(&outcome.reply);
    resumption_release(resumption);
    close(end);
}

static void first_outcome_counts(void **state)
{
    (void)state;
    int end;
    struct resumption_outcome outcome;
    struct resumption *resumption = begin(&end);
    resumption_refuse(resumption, REFUSAL_UPLOAD_MOVING, "why", 5);
    resumption_end(resumption, RESUMPTION_PART, NULL, 6);
    resumption_outcome(resumption, &outcome);
    assert_int_equal(outcome.result, RESUMPTION_REFUSED);
    assert_int_equal(outcome.reason, REFUSAL_UPLOAD_MOVING);
    assert_string_equal(outcome.detail, "why");
    assert_int_equal(outcome.offset, 5);
    resumption_release(resumption);
    close(end);
}

static void fields_change_hands(void **state)
{
    (void)state;
    int end;
    struct headers fields = {0};
    struct resumption *resumption = begin(&end);
    assert_true(headers_add(&fields, "X-Auth-Token", "old"));
    resumption_take_fields(resumption, &fields);
    assert_string_equal(headers_get(&fields, "X-Auth-Token"), "new");
    headers_free(&fields);
    resumption_release(resumption);
    close(end);
}

/* Either side may end first. An outcome that nobody takes is freed. */
static void both_sides_may_leave(void **state)
{
    (void)state;
    int end;
    char byte;
    struct reply reply;
    struct resumption *resumption = begin(&end);
    struct resumption *other = resumption_hold(resumption);
    close(end);
    resumption_release(resumption);
    assert_int_equal(read(resumption_socket(other), &byte, 1), 0);
    reply_init(&reply);
    assert_true(headers_add(&reply.headers, "X", "y"));
    resumption_end(other, RESUMPTION_REPLY, &reply, 0);
    resumption_release(other);
    resumption_release(begin(&end)); /* no outcome: the socket is closed */
    assert_int_equal(read(end, &byte, 1), 0);
    close(end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_and_the_outcome_goes_back),
        cmocka_unit_test(first_outcome_counts),
        cmocka_unit_test(fields_change_hands),
        cmocka_unit_test(both_sides_may_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
