/* SPDX-License-Identifier: Apache-2.0 */
/* body_rewind(): an image on disk is read again, and its digests are computed again. */
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/promises.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "pump.h"

enum { LARGEST = 3 * SPOOL_BLOCK };

static char image[LARGEST];

static int fill_image(void **state)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (char)(i * 31 + i / 251);
    return env_begin(state);
}

static void assert_digest(struct body *body, size_t count)
{
    unsigned char got[DIGEST_MAX_BYTES], expected[DIGEST_MAX_BYTES];
    size_t size, same;
    struct digests *set = digests_new();
    assert_true(set && digests_want(set, "sha512"));
    digests_update(set, image, count);
    assert_true(digests_get(body_digests(body), "sha512", got, &size));
    assert_true(digests_get(set, "sha512", expected, &same));
    assert_int_equal(size, same);
    assert_memory_equal(got, expected, size);
    digests_free(set);
}

/* Reads `first` bytes, or a little more, then all of it. */
static void try(size_t count, size_t first, bool settle)
{
    char into[BODY_READ_MIN];
    struct feeder feeder = feeder_of(image, count);
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = {body_of(&plan), &feeder, image, count, 0, 0};
    assert_int_equal(pump_prepare(&pump), 1);
    assert_true(body_can_rewind(pump.body));
    while (body_count(pump.body) < first) {
        ssize_t got = body_read(pump.body, into, sizeof into);
        assert_true(got > 0 || got == STREAM_WAIT);
        if (got == STREAM_WAIT)
            thread_pool_settle(env.thread_pool, env.loop);
    }
    if (settle) /* else the disk may be busy with the next block */
        thread_pool_settle(env.thread_pool, env.loop);
    assert_true(body_rewind(pump.body));
    assert_int_equal(body_count(pump.body), 0);
    assert_false(body_finished(pump.body));
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(pump.given, count);
    assert_digest(pump.body, count);
    body_done(pump.body);
}

static void image_on_disk_is_read_again(void **state)
{
    (void)state;
    static const size_t counts[] = {FORMAT_OPENING + 1, SPOOL_BLOCK - 1, SPOOL_BLOCK,
                                    SPOOL_BLOCK + 1, LARGEST};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int settle = 0; settle < 2; settle++) {
            try(counts[i], 0, settle);
            try(counts[i], 1, settle);
            try(counts[i], counts[i] / 2, settle);
            try(counts[i], counts[i] - 1, settle);
            try(counts[i], counts[i], settle);
        }
}

/* What passes by the disk is gone. */
static void other_images_cannot_be_read_again(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of(image, LARGEST);
    struct body_plan plan = plan_of(&feeder);
    plan.length_known = true;
    plan.length = LARGEST;
    struct body *body = body_of(&plan);
    assert_int_equal(body_prepare(body), 1);
    assert_false(body_can_rewind(body));
    body_done(body);
}

static void promised_digest_is_checked_each_time(void **state)
{
    (void)state;
    char into[BODY_READ_MIN];
    struct promises promises = {0};
    static const char zeros[] = "00000000000000000000000000000000";
    promises_add_hex(&promises, "a property", "md5", zeros);
    for (int again = 0; again < 2; again++) {
        struct feeder feeder = feeder_of(image, LARGEST);
        struct body_plan plan = plan_of(&feeder);
        plan.image_promises = &promises;
        struct pump pump = {body_of(&plan), &feeder, image, LARGEST, 0, 0};
        assert_int_equal(pump_prepare(&pump), 1);
        if (again) {
            while (body_read(pump.body, into, sizeof into) == STREAM_WAIT)
                thread_pool_settle(env.thread_pool, env.loop);
            assert_true(body_rewind(pump.body));
        }
        assert_int_equal(pump_read(&pump), STREAM_REFUSED);
        assert_false(body_can_rewind(pump.body));
        body_done(pump.body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(image_on_disk_is_read_again),
        ENV_TEST(other_images_cannot_be_read_again),
        ENV_TEST(promised_digest_is_checked_each_time),
    };
    return cmocka_run_group_tests(tests, fill_image, env_end);
}
