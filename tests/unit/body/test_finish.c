/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pump.h"

static const uint64_t UNKNOWN = UINT64_MAX;

enum { LARGEST = 4 * BODY_READ_MIN };

static char image[LARGEST];

static int fill_image(void **state)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (char)(i * 31 + i / 251);
    return env_begin(state);
}

/* `count` bytes come where `length` were known of. */
struct vector {
    uint64_t length;
    size_t count;
    bool form;
    bool breaks;
    int end;
};

static const struct vector SMALL[] = {
    {UNKNOWN, 0, false, false, STREAM_END},  {UNKNOWN, 1, false, false, STREAM_END},
    {UNKNOWN, 40, false, false, STREAM_END}, {1, 1, false, false, STREAM_END},
    {2, 2, false, false, STREAM_END},        {40, 40, false, false, STREAM_END},
    {1, 0, false, false, STREAM_REFUSED},    {40, 39, false, false, STREAM_REFUSED},
    {40, 1, true, false, STREAM_REFUSED},    {40, 0, true, false, STREAM_REFUSED},
    {1, 2, false, false, STREAM_REFUSED},    {40, 41, false, false, STREAM_REFUSED},
    {20, 40, true, false, STREAM_REFUSED},   {UNKNOWN, 40, false, true, STREAM_LOST},
    {UNKNOWN, 0, false, true, STREAM_LOST},  {40, 40, false, true, STREAM_LOST},
    {40, 39, false, true, STREAM_LOST},      {1, 1, true, true, STREAM_LOST},
};

/* Around the size of the buffer, and around what remains of it at the end. */
static const size_t EDGES[] = {1,
                               BODY_READ_MIN - FILTER_ROOM_MIN - 1,
                               BODY_READ_MIN - FILTER_ROOM_MIN,
                               BODY_READ_MIN - FILTER_ROOM_MIN + 1,
                               BODY_READ_MIN - 1,
                               BODY_READ_MIN,
                               BODY_READ_MIN + 1,
                               2 * BODY_READ_MIN - 1,
                               2 * BODY_READ_MIN,
                               2 * BODY_READ_MIN + 1,
                               3 * BODY_READ_MIN};

/* The particulars for the client. */
static void assert_told(struct body *body, const struct vector *vector)
{
    const char *detail;
    char expected[BODY_WORDS];
    bool more = vector->count > vector->length;
    enum refusal reason = vector->form ? REFUSAL_MULTIPART_MALFORMED : REFUSAL_SIZE_MISMATCH;
    if (vector->end != STREAM_REFUSED)
        reason = REFUSAL_NONE;
    assert_int_equal(body_refusal(body, &detail), reason);
    snprintf(expected, sizeof expected, "%zu bytes were announced, and %s came",
             (size_t)vector->length, more ? "more" : "fewer");
    if (reason == REFUSAL_SIZE_MISMATCH)
        assert_string_equal(detail, expected);
    if (reason == REFUSAL_MULTIPART_MALFORMED)
        assert_string_equal(detail,
                            more ? "it does not end right after its file"
                                 : "something follows the file, which must be its last field");
}

/* The output of a body that ends badly is never the whole image. */
static void attempt_with(const struct vector *vector, const struct feeder *from, size_t room)
{
    struct feeder feeder = *from;
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = {body_alone(&filter_finish, &plan), &feeder, image, vector->count, room, 0};
    pump.body->form = vector->form ? FORM_UNWRAPPED : FORM_NONE;
    pump.body->length_known = vector->length != UNKNOWN;
    pump.body->length = vector->length;
    int end = pump_all(&pump);
    if (end != vector->end)
        fail_msg("%zu of %zu in {%zu, %zu}: %d", vector->count, (size_t)vector->length,
                 feeder.split.first, feeder.split.rest, end);
    assert_told(pump.body, vector);
    if (end == STREAM_END)
        assert_int_equal(pump.given, vector->count);
    else if (vector->length != UNKNOWN)
        assert_true(pump.given < vector->length);
    body_done(pump.body);
}

static void attempt(struct split split, const void *context)
{
    const struct vector *vector = context;
    static const size_t capacity[] = {BODY_READ_MIN, 4 * BODY_READ_MIN};
    struct feeder feeder = feeder_of(image, vector->count);
    feeder.split = split;
    feeder.breaks = vector->breaks;
    for (size_t i = 0; i < sizeof capacity / sizeof capacity[0]; i++)
        for (int waits = 0; waits < 2; waits++) {
            feeder.waits = waits;
            attempt_with(vector, &feeder, capacity[i]);
        }
}

static void last_byte_waits_for_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SMALL / sizeof SMALL[0]; i++)
        splits_each(SMALL[i].count, attempt, &SMALL[i]);
}

/* Whether the length is known or not, Glance does not get an end. */
static void what_was_lost_on_the_way_is_refused(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        const char *detail;
        struct feeder feeder = feeder_of(image, 40);
        const struct body_plan plan = plan_of(&feeder);
        struct pump pump = {body_alone(&filter_finish, &plan), &feeder, image, 40, LARGEST, 0};
        pump.body->length_known = known;
        pump.body->length = 40;
        pump.body->measured = 1; /* a byte that came, and is in no filter */
        assert_int_equal(pump_all(&pump), STREAM_REFUSED);
        assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_SIZE_MISMATCH);
        assert_string_equal(detail, "41 bytes came, and this proxy has passed on 40");
        assert_false(body_finished(pump.body));
        body_done(pump.body);
    }
}

/* The image of `count` bytes, and one that ends a byte away from there. */
static void try_edge(size_t count, struct split split)
{
    const struct vector vectors[] = {
        {count, count, false, false, STREAM_END},
        {count, count, false, true, STREAM_LOST},
        {count, count + 1, false, false, STREAM_REFUSED},
        {count, count - 1, false, false, STREAM_REFUSED},
        {UNKNOWN, count, false, false, STREAM_END},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        attempt(split, &vectors[i]);
}

static void last_byte_waits_for_any_buffer_fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof EDGES / sizeof EDGES[0]; i++)
        for (size_t k = 0; k < sizeof EDGES / sizeof EDGES[0]; k++)
            try_edge(EDGES[i], (struct split){EDGES[k], i & 1 ? SIZE_MAX : EDGES[k]});
}

/* Without space for another range the last byte stays behind, and comes alone. */
static void full_buffer_holds_one_byte_back(void **state)
{
    (void)state;
    char into[BODY_READ_MIN];
    struct feeder feeder = feeder_of(image, sizeof into);
    struct body_plan plan = plan_of(&feeder);
    plan.length_known = true;
    plan.length = sizeof into;
    struct body *body = body_alone(&filter_finish, &plan);
    assert_int_equal(body_read(body, into, sizeof into), sizeof into - 1);
    assert_false(body_finished(body));
    assert_int_equal(body_read(body, into, sizeof into), 1);
    assert_int_equal(into[0], image[sizeof into - 1]);
    assert_true(body_finished(body));
    assert_int_equal(body_read(body, into, sizeof into), STREAM_END);
    body_done(body);
}

/* A client that has said all, but for the end, keeps Glance waiting for one byte. */
static void held_byte_waits_for_the_client(void **state)
{
    (void)state;
    char into[BODY_READ_MIN];
    struct feeder feeder = feeder_of("x", 1);
    feeder.waits = true;
    struct body_plan plan = plan_of(&feeder);
    plan.length_known = true;
    plan.length = 1;
    struct body *body = body_alone(&filter_finish, &plan);
    assert_int_equal(body_read(body, into, sizeof into), STREAM_WAIT);
    assert_int_equal(body_read(body, into, sizeof into), STREAM_WAIT);
    assert_int_equal(feeder.at, 1);
    assert_int_equal(body_read(body, into, sizeof into), 1);
    assert_int_equal(into[0], 'x');
    body_done(body);
}

/* No bytes are requested of an empty image. */
static void end_of_an_empty_body_is_known_on_prepare(void **state)
{
    (void)state;
    for (int breaks = 0; breaks < 2; breaks++) {
        char into[BODY_READ_MIN];
        struct feeder feeder = feeder_of("", 0);
        feeder.waits = true;
        feeder.breaks = breaks;
        struct body_plan plan = plan_of(&feeder);
        plan.length_known = true;
        struct body *body = body_alone(&filter_finish, &plan);
        assert_int_equal(body_prepare(body), STREAM_WAIT);
        assert_int_equal(body_prepare(body), breaks ? STREAM_LOST : 1);
        assert_int_equal(body_finished(body), !breaks);
        if (!breaks)
            assert_int_equal(body_read(body, into, sizeof into), STREAM_END);
        body_done(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(last_byte_waits_for_the_end),
        ENV_TEST(what_was_lost_on_the_way_is_refused),
        ENV_TEST(last_byte_waits_for_any_buffer_fill),
        ENV_TEST(full_buffer_holds_one_byte_back),
        ENV_TEST(held_byte_waits_for_the_client),
        ENV_TEST(end_of_an_empty_body_is_known_on_prepare),
    };
    return cmocka_run_group_tests(tests, fill_image, env_end);
}
