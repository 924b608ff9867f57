/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a body is spliced. */
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "promising.h"
#include "pump.h"
#include "splice_runs.h"
#include "uploads.h"

/* --- how much of it, at most ------------------------------------------------------------------ */

/* Bytes spliced of an image that comes in pieces of 1000 bytes, after an opening as long as the
 * part that is judged. */
static size_t moved_of(const struct image *image, struct body_plan *plan)
{
    char *bytes = image_make(image);
    size_t count = (size_t)image->sparse.size;
    struct feeder feeder = feeder_of(bytes, count);
    feeder.split = (struct split){OPENING, 1000};
    plan->read = feeder_read;
    plan->splice = feeder_move;
    plan->context = &feeder;
    plan->disk_format = image->disk_format;
    struct pump pump = {body_of(plan), &feeder, bytes, count, 0, 0};
    env.moved = 0;
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, count);
    body_done(pump.body);
    free(bytes);
    return env.moved;
}

static struct body_plan known(size_t length)
{
    static struct feeder nobody;
    struct body_plan plan = plan_of(&nobody);
    plan.length_known = true;
    plan.length = length;
    return plan;
}

/* With formats that request later ranges: none of these is spliced. */
static void all_but_examined_ranges_and_the_last_byte_is_spliced(void **state)
{
    (void)state;
    static const struct {
        struct image image;
        size_t read; /* after the opening, at most */
    } rows[] = {
        {{"raw", {MANY, {{0}}}}, 1},
        {{"qcow2", {MANY, {PIECE(0, QCOW2), NO_L1}}}, MANY / 2},
        {{"vhdx", {VHDX_SIZE, {VHDX}}}, VHDX_SIZE / 4},
        {{FIXED_VHD(MANY)}, MANY - OPENING},
    };
    env.settings.upload.verify = VERIFY_SIZE;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = (size_t)rows[i].image.sparse.size;
        struct body_plan plan = known(size);
        size_t moved = moved_of(&rows[i].image, &plan);
        if (moved + rows[i].read < size - OPENING || moved >= size - OPENING)
            fail_msg("%s: %zu bytes of %zu were moved", rows[i].image.disk_format, moved, size);
    }
}

/* A body hashed by threads is spliced as well. One that is hashed by the loop, or has a declared
 * digest, must be read. */
static void hashed_body_is_spliced_only_with_threads(void **state)
{
    (void)state;
    const struct image raw = {"raw", {MANY, {{0}}}};
    struct promises promises = {0};
    struct body_plan plan = known(MANY);
    assert_int_equal(moved_of(&raw, &plan), 0);
    plan.digest_threads = env.thread_pool;
    assert_true(moved_of(&raw, &plan) > MANY / 2);
    char *bytes = image_make(&raw);
    promise_add(&promises, "Repr-Digest", "sha256", bytes, MANY);
    free(bytes);
    for (int verified = 0; verified < 2; verified++) {
        env.settings.upload.verify = verified ? VERIFY_DIGEST : VERIFY_OFF;
        plan.promises = &promises;
        assert_int_equal(moved_of(&raw, &plan), 0);
        plan.promises = NULL;
        plan.image_promises = &promises;
        assert_int_equal(moved_of(&raw, &plan), 0);
        plan.image_promises = NULL;
    }
}

/* Nothing may go on that is not hashed: without a pipe for that it is read. */
static void body_without_a_pipe_is_read(void **state)
{
    (void)state;
    struct rlimit before;
    struct sent_upload upload = {.way = &WAYS[0], .count = MANY, .disk_format = "raw"};
    upload.image = image_make(&(struct image){"raw", {MANY, {{0}}}});
    upload_make(&upload);
    const struct feeder whole = upload.feeder;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct outcome all = send_by(&upload, &whole, true);
    assert_true(env.moved > 0);
    env.moved = 0;
    int lowest = dup(0);
    close(lowest);
    /* The pump's own pipe, and one end of another. */
    const struct rlimit few = {(rlim_t)lowest + 3, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const struct outcome read = send_by(&upload, &whole, true);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(env.moved, 0);
    assert_int_equal(read.end, STREAM_END);
    assert_memory_equal(read.sha512, all.sha512, all.sha512_size);
    free(upload.bytes);
    free((void *)upload.image);
}

static void spooled_or_unlimited_body_is_not_spliced(void **state)
{
    (void)state;
    const struct image raw = {"raw", {MANY, {{0}}}};
    struct body_plan plan = known(MANY);
    env.settings.upload.verify = VERIFY_OFF;
    assert_int_equal(moved_of(&raw, &plan), MANY - OPENING - 1);
    plan.length_known = false;
    assert_int_equal(moved_of(&raw, &plan), 0); /* spooled */
    plan.spools_unknown_length = false;
    assert_int_equal(moved_of(&raw, &plan), 0);
}

static void form_is_not_spliced(void **state)
{
    (void)state;
    struct sent_upload upload = {.way = &WAYS[5], .count = MANY, .disk_format = "raw"};
    char *image = image_make(&(struct image){"raw", {MANY, {{0}}}});
    assert_non_null(strstr(upload.way->what, "form"));
    upload.image = image;
    upload_make(&upload);
    const struct feeder whole = upload.feeder;
    env.settings.upload.verify = VERIFY_OFF;
    assert_int_equal(send_by(&upload, &whole, true).end, STREAM_END);
    assert_int_equal(env.moved, 0);
    free(upload.bytes);
    free(image);
}

/* Nothing is counted that has not come, and nothing is moved after a refusal. */
static void splice_results_are_passed_on(void **state)
{
    (void)state;
    char *bytes = image_make(&(struct image){"raw", {MANY, {{0}}}});
    struct feeder feeder = feeder_of(bytes, MANY);
    struct body_plan plan = known(MANY);
    int pipe[2];
    char into[BODY_READ_MIN];
    env.settings.upload.verify = VERIFY_SIZE;
    feeder.split = (struct split){OPENING, 1000};
    feeder.waits = true;
    feeder.breaks = true;
    plan.context = &feeder;
    plan.splice = feeder_move;
    struct body *body = body_of(&plan);
    assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
    assert_int_equal(body_prepare(body), STREAM_WAIT);
    assert_int_equal(body_prepare(body), 1);
    assert_int_equal(body_splice(body, pipe[1], 5000), STREAM_NO_SPLICE); /* the opening */
    for (size_t given = 0; given < OPENING; given += sizeof into)
        assert_int_equal(body_read(body, into, sizeof into), sizeof into);
    assert_int_equal(body_splice(body, pipe[1], 5000), STREAM_WAIT);
    assert_int_equal(body_count(body), OPENING);
    assert_int_equal(body_splice(body, pipe[1], 300), 300);
    assert_int_equal(body_count(body), OPENING + 300);
    feeder.count = feeder.at;
    feeder.piece = 0;
    feeder.waits = false;
    assert_int_equal(body_splice(body, pipe[1], 5000), STREAM_LOST);
    assert_int_equal(body_count(body), OPENING + 300);
    body_limit(body, &(struct body_limits){MANY - 1, UINT64_MAX, UINT64_MAX});
    assert_int_equal(body_splice(body, pipe[1], 5000), STREAM_NO_SPLICE);
    assert_int_equal(body_read(body, into, sizeof into), STREAM_REFUSED);
    close(pipe[0]);
    close(pipe[1]);
    body_done(body);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(all_but_examined_ranges_and_the_last_byte_is_spliced),
        ENV_TEST(hashed_body_is_spliced_only_with_threads),
        ENV_TEST(body_without_a_pipe_is_read),
        ENV_TEST(spooled_or_unlimited_body_is_not_spliced),
        ENV_TEST(form_is_not_spliced),
        ENV_TEST(splice_results_are_passed_on),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
