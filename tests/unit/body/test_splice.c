/* SPDX-License-Identifier: Apache-2.0 */
/* Moved or read, a body comes to the same: every image is sent both ways. */
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
#include "uploads.h"

enum { MANY = 5 * SPOOL_BLOCK / 4 };

/* --- moved as it would be read --------------------------------------------------------------- */

struct outcome {
    int end;
    enum refusal refusal;
    char detail[BODY_WORDS];
    size_t given;
    uint64_t count; /* as the body says */
    unsigned char sha512[DIGEST_MAX_BYTES];
    size_t sha512_size; /* 0: it was not asked for */
};

static struct outcome send_by(struct request_record *upload, const struct feeder *from, bool moving)
{
    const char *detail;
    struct outcome outcome = {0};
    upload->feeder = *from;
    upload->plan.context = &upload->feeder;
    upload->plan.splice = moving ? feeder_move : NULL;
    upload->plan.digest_threads = yard.thread_pool;
    struct pump pump = {body_of(&upload->plan), &upload->feeder, upload->image,
                        upload->count,          40 * KIB,        0};
    body_limit(pump.body, &upload->limits);
    outcome.end = pump_all(&pump);
    outcome.refusal = body_refusal(pump.body, &detail);
    snprintf(outcome.detail, sizeof outcome.detail, "%s", detail);
    outcome.given = pump.given;
    outcome.count = body_count(pump.body);
    if (outcome.end == STREAM_END)
        digests_get(body_digests(pump.body), "sha512", outcome.sha512, &outcome.sha512_size);
    body_done(pump.body);
    return outcome;
}

/* What is refused in the middle may be refused later: but before its last byte. */
static void send_both(struct request_record *upload, const struct feeder *from)
{
    const struct outcome read = send_by(upload, from, false);
    const struct outcome moved = send_by(upload, from, true);
    if (moved.end != read.end || moved.refusal != read.refusal ||
        strcmp(moved.detail, read.detail) != 0)
        fail_msg("%s, %zu bytes: %d, %d, %s when moved, and %d, %d, %s when read",
                 upload->way->what, upload->count, moved.end, (int)moved.refusal, moved.detail,
                 read.end, (int)read.refusal, read.detail);
    if (read.end == STREAM_END) {
        assert_int_equal(moved.given, read.given);
        assert_int_equal(moved.count, read.count);
        assert_int_equal(moved.sha512_size, read.sha512_size);
        assert_memory_equal(moved.sha512, read.sha512, read.sha512_size);
    }
}

static void in_any_pieces(struct request_record *upload)
{
    static const size_t pieces[] = {997, BODY_READ_MIN, OPENING, SIZE_MAX};
    const struct feeder whole = upload->feeder;
    upload->limits.max_virtual_size = (uint64_t)64 << 20;
    for (unsigned i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct feeder feeder = whole;
        feeder.split = (struct split){pieces[i], pieces[i]};
        feeder.waits = i % 2;
        send_both(upload, &feeder);
        feeder.random = i + 1;
        feeder.breaks = i == 3;
        send_both(upload, &feeder);
    }
}

static void spliced_body_gives_the_same_result(void **state)
{
    (void)state;
    static const struct image images[] = {
        {"raw", {1, {{0}}}},
        {"raw", {2, {{0}}}},
        {"raw", {OPENING, {{0}}}},
        {"raw", {OPENING + 1, {{0}}}},
        {"raw", {OPENING + FILTER_ROOM_MIN, {{0}}}},
        {"raw", {MANY, {{0}}}},
        {"raw", {MANY, {PIECE(0, QCOW2)}}},
        {"qcow2", {MANY, {PIECE(0, QCOW2), NO_L1}}},
        {"vhdx", {VHDX_SIZE, {VHDX}}},
        {"vhdx", {VHDX_SIZE, {VHDX, PIECE(AT_ITEMS, "\1\0\0\4")}}},
        {"vhdx", {VHDX_SIZE, {VHDX, PIECE(AT_ITEMS + 4, "\2")}}},
        {"vhd", {MANY, {{0}}}},
        {FIXED_VHD(OPENING + 1)},
        {FIXED_VHD(MANY)},
    };
    static const enum verify_mode modes[] = {VERIFY_OFF, VERIFY_SIZE, VERIFY_DIGEST};
    for (size_t j = 0; j < 3; j++) {
        yard.settings.upload.verify = modes[j];
        yard.moved = 0;
        for (size_t i = 0; i < sizeof images / sizeof images[0]; i++)
            each_image(&images[i], in_any_pieces);
        assert_true(yard.moved > 0);
    }
}

/* From the first moved byte to the last one that is read: cut at every point of it. */
static void try_edges(struct request_record *upload)
{
    const size_t edges[] = {OPENING - 5, OPENING + FILTER_ROOM_MIN, upload->feeder.count - 30};
    for (size_t i = 0; i < 3; i++)
        for (size_t first = edges[i]; first < edges[i] + 30; first++) {
            struct feeder feeder = upload->feeder;
            feeder.split = (struct split){first, SIZE_MAX};
            feeder.waits = first % 2;
            send_both(upload, &feeder);
        }
}

static void spliced_body_is_read_split_at_its_edges(void **state)
{
    (void)state;
    yard.settings.upload.verify = VERIFY_SIZE;
    each_image(&(struct image){"raw", {OPENING + 2 * BODY_READ_MIN, {{0}}}}, try_edges);
    assert_true(yard.moved > 0);
}

/* --- how much of it, at most ------------------------------------------------------------------ */

/* Of an image that comes in pieces of 1000 bytes, after an opening of just as much as is judged. */
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
    yard.moved = 0;
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, count);
    body_done(pump.body);
    free(bytes);
    return yard.moved;
}

static struct body_plan known(size_t length)
{
    static struct feeder nobody;
    struct body_plan plan = plan_of(&nobody);
    plan.length_known = true;
    plan.length = length;
    return plan;
}

/* Of the formats that look further on: none of what they look at. */
static void all_but_examined_ranges_and_the_last_byte_is_spliced(void **state)
{
    (void)state;
    static const struct {
        struct image image;
        size_t read; /* behind the opening, at most */
    } rows[] = {
        {{"raw", {MANY, {{0}}}}, 1},
        {{"qcow2", {MANY, {PIECE(0, QCOW2), NO_L1}}}, MANY / 2},
        {{"vhdx", {VHDX_SIZE, {VHDX}}}, VHDX_SIZE / 4},
        {{FIXED_VHD(MANY)}, MANY - OPENING},
    };
    yard.settings.upload.verify = VERIFY_SIZE;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = (size_t)rows[i].image.sparse.size;
        struct body_plan plan = known(size);
        size_t moved = moved_of(&rows[i].image, &plan);
        if (moved + rows[i].read < size - OPENING || moved >= size - OPENING)
            fail_msg("%s: %zu bytes of %zu were moved", rows[i].image.disk_format, moved, size);
    }
}

/* What is hashed beside the loop is moved all the same; where it would be hashed at once, or is
 * held to a promise, it has to be read. */
static void hashed_body_is_spliced_only_with_threads(void **state)
{
    (void)state;
    const struct image raw = {"raw", {MANY, {{0}}}};
    struct promises promises = {0};
    struct body_plan plan = known(MANY);
    assert_int_equal(moved_of(&raw, &plan), 0);
    plan.digest_threads = yard.thread_pool;
    assert_true(moved_of(&raw, &plan) > MANY / 2);
    char *bytes = image_make(&raw);
    promise_add(&promises, "Repr-Digest", "sha256", bytes, MANY);
    free(bytes);
    for (int verified = 0; verified < 2; verified++) {
        yard.settings.upload.verify = verified ? VERIFY_DIGEST : VERIFY_OFF;
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
    struct request_record upload = {.way = &WAYS[0], .count = MANY, .disk_format = "raw"};
    upload.image = image_make(&(struct image){"raw", {MANY, {{0}}}});
    upload_make(&upload);
    const struct feeder whole = upload.feeder;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct outcome all = send_by(&upload, &whole, true);
    assert_true(yard.moved > 0);
    yard.moved = 0;
    int lowest = dup(0);
    close(lowest);
    /* The pump's own pipe, and one end of another. */
    const struct rlimit few = {(rlim_t)lowest + 3, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const struct outcome read = send_by(&upload, &whole, true);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(yard.moved, 0);
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
    yard.settings.upload.verify = VERIFY_OFF;
    assert_int_equal(moved_of(&raw, &plan), MANY - OPENING - 1);
    plan.length_known = false;
    assert_int_equal(moved_of(&raw, &plan), 0); /* spooled */
    yard.settings.upload.unknown_length = UNKNOWN_LENGTH_STREAM;
    assert_int_equal(moved_of(&raw, &plan), 0);
}

static void form_is_not_spliced(void **state)
{
    (void)state;
    struct request_record upload = {.way = &WAYS[5], .count = MANY, .disk_format = "raw"};
    char *image = image_make(&(struct image){"raw", {MANY, {{0}}}});
    assert_non_null(strstr(upload.way->what, "form"));
    upload.image = image;
    upload_make(&upload);
    const struct feeder whole = upload.feeder;
    yard.settings.upload.verify = VERIFY_OFF;
    assert_int_equal(send_by(&upload, &whole, true).end, STREAM_END);
    assert_int_equal(yard.moved, 0);
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
    yard.settings.upload.verify = VERIFY_SIZE;
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
        YARD_TEST(spliced_body_gives_the_same_result),
        YARD_TEST(spliced_body_is_read_split_at_its_edges),
        YARD_TEST(all_but_examined_ranges_and_the_last_byte_is_spliced),
        YARD_TEST(hashed_body_is_spliced_only_with_threads),
        YARD_TEST(body_without_a_pipe_is_read),
        YARD_TEST(spooled_or_unlimited_body_is_not_spliced),
        YARD_TEST(form_is_not_spliced),
        YARD_TEST(splice_results_are_passed_on),
    };
    return cmocka_run_group_tests(tests, yard_begin, yard_end);
}
