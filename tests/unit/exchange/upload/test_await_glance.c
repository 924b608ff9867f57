/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

enum { FIRST = 64 * 1024, LARGE = 3 * FIRST };

static const char *const NO_FIELDS[] = {NULL};
static char text[LARGE + 1];

/* About to be sent: a body of so many bytes. */
static void begin(struct fixture *fixture, void **state, size_t size)
{
    fixture_begin(fixture, state, NO_FIELDS);
    memset(text, 'x', size);
    text[size] = '\0';
    fixture_body(fixture, text, NULL);
    await_glance_begin(fixture->upload);
}

static bool sends_all(const struct fixture *fixture)
{
    return await_glance_room(fixture->upload, 1 << 20) == 1 << 20;
}

static void give(struct fixture *fixture, uint64_t bytes)
{
    atomic_fetch_add(&fixture_record(fixture)->bytes, bytes);
}

static void a_small_body_is_sent_at_once(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, FIRST);
    assert_true(sends_all(&fixture));
    assert_int_equal(await_glance_room(fixture.upload, 1 << 20), 1 << 20);
    assert_false(fixture_is_set(&fixture, POLL_TIMER));
    fixture_end(&fixture);
}

static void only_the_first_bytes_are_sent(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, FIRST + 1);
    assert_false(sends_all(&fixture));
    assert_int_equal(await_glance_room(fixture.upload, 1000), 1000);
    assert_int_equal(await_glance_room(fixture.upload, 1 << 20), FIRST);
    give(&fixture, FIRST - 7);
    assert_int_equal(await_glance_room(fixture.upload, 1 << 20), 7);
    give(&fixture, 7);
    assert_int_equal(await_glance_room(fixture.upload, 1 << 20), 0);
    await_glance_step(fixture.upload);
    assert_int_equal(await_glance_room(fixture.upload, 1 << 20), 0);
    fixture_end(&fixture);
}

/* The worker remembers that Glance sends it, and asks nothing the next time. */
static void a_100_continue_releases_the_rest(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, LARGE);
    assert_true(fixture_is_set(&fixture, POLL_TIMER));
    await_glance_continued(fixture.x);
    await_glance_step(fixture.upload);
    assert_true(sends_all(&fixture) && fixture.parts.hears_continue);
    assert_false(fixture_is_set(&fixture, POLL_TIMER));
    assert_false(fixture_is_set(&fixture, STEP_TIMER));
    fixture.send->continued = false;
    await_glance_begin(fixture.upload);
    assert_false(sends_all(&fixture));
    assert_false(fixture_is_set(&fixture, POLL_TIMER));
    fixture_end(&fixture);
}

/* Asks the next question, and answers it. */
static void look(struct fixture *fixture, unsigned status, const char *image)
{
    assert_true(fixture_is_set(fixture, POLL_TIMER));
    fixture_fire(fixture, POLL_TIMER);
    await_glance_step(fixture->upload);
    assert_true(fixture_question(fixture, QUESTION_IMAGE)->begun);
    fixture_answered(fixture_question(fixture, QUESTION_IMAGE), status, image);
    await_glance_step(fixture->upload);
}

static void the_status_of_the_image_releases_the_rest(void **state)
{
    static const char *const begun[] = {"saving", "uploading", "active", "killed"};
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++) {
        struct fixture fixture;
        char image[64];
        begin(&fixture, state, LARGE);
        look(&fixture, 200, "{\"status\": \"queued\"}");
        look(&fixture, 503, "");
        look(&fixture, 200, "<html>");
        assert_false(sends_all(&fixture));
        snprintf(image, sizeof image, "{\"status\": \"%s\"}", begun[i]);
        look(&fixture, 200, image);
        assert_true(sends_all(&fixture));
        assert_false(fixture.parts.hears_continue);
        assert_false(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        fixture_end(&fixture);
    }
}

static void a_timeout_releases_the_rest(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, LARGE);
    fixture.parts.hears_continue = true; /* 100 Continue does not come this time */
    fixture_fire(&fixture, STEP_TIMER);
    await_glance_step(fixture.upload);
    assert_true(sends_all(&fixture));
    assert_false(fixture.parts.hears_continue);
    fixture_end(&fixture);
}

/* From then on others of the project are refused because of it. */
static void the_reservation_becomes_firm_when_glance_begins(void **state)
{
    enum { NOTHING, CONTINUE, STATUS, WAITS };
    for (int tells = NOTHING; tells <= WAITS; tells++) {
        struct fixture fixture;
        uint64_t firm;
        const struct quota_request requested = {.key = "p", .bytes = 5, .left = 9};
        begin(&fixture, state, LARGE);
        assert_int_equal(quota_reserve(fixture.parts.quota_reservations, &requested,
                                       fixture_reservation(&fixture), &firm),
                         QUOTA_RESERVED);
        if (tells == CONTINUE)
            await_glance_continued(fixture.x);
        if (tells == STATUS)
            look(&fixture, 200, "{\"status\": \"saving\"}");
        if (tells == WAITS)
            fixture_fire(&fixture, STEP_TIMER);
        await_glance_step(fixture.upload);
        bool told = tells == CONTINUE || tells == STATUS;
        assert_int_equal(quota_reservations_firm(fixture.parts.quota_reservations, "p"),
                         told ? 5 : 0);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_small_body_is_sent_at_once),
        FIXTURE_TEST(only_the_first_bytes_are_sent),
        FIXTURE_TEST(a_100_continue_releases_the_rest),
        FIXTURE_TEST(the_status_of_the_image_releases_the_rest),
        FIXTURE_TEST(a_timeout_releases_the_rest),
        FIXTURE_TEST(the_reservation_becomes_firm_when_glance_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
