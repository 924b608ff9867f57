/* SPDX-License-Identifier: Apache-2.0 */
/* A compressed image becomes the image, or is left as it is. */
#include "intake/body.h"
#include "intake/decompressor.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "packed_image.h"

struct attempt {
    const struct packed *packed;
    size_t image_count;
};

static void try_split(struct split split, const void *context)
{
    const struct attempt *attempt = context;
    struct feeder feeder = feeder_of(attempt->packed->bytes, attempt->packed->count);
    feeder.split = split;
    feeder.waits = true;
    struct body_plan plan = packed_plan(&feeder);
    struct body *body = body_of(&plan);
    assert_int_equal(packed_read(body, &feeder, image, attempt->image_count), STREAM_END);
    assert_true(body_decompressed(body));
    packed_done(body);
}

static void each_compression_becomes_the_image(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY_COUNT; i++) {
        struct packed packed = pack(WAYS[i].command, image, IMAGE);
        for (unsigned random = 0; random < 3; random++) {
            struct feeder feeder = feeder_of(packed.bytes, packed.count);
            feeder.random = random;
            feeder.waits = random == 2;
            struct body_plan plan = packed_plan(&feeder);
            plan.length_known = true;
            plan.length = packed.count;
            struct body *body = body_of(&plan);
            uint64_t length;
            int opened;
            while ((opened = body_open(body)) == STREAM_WAIT)
                packed_wait(&feeder);
            assert_int_equal(opened, 1);
            if (body_length(body, &length) != WAYS[i].length)
                fail_msg("%s: length %d", WAYS[i].command, !WAYS[i].length);
            int end = packed_read(body, &feeder, image, IMAGE);
            if (end != STREAM_END)
                fail_msg("%s: %d, %s", WAYS[i].command, end, body->detail);
            assert_true(body_decompressed(body));
            assert_true(body_length(body, &length));
            assert_int_equal(length, IMAGE);
            packed_done(body);
        }
        free(packed.bytes);
    }
}

static void it_may_come_in_any_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY_COUNT; i++) {
        struct packed packed = pack(WAYS[i].command, image, SMALL);
        const struct attempt attempt = {&packed, SMALL};
        try_split((struct split){packed.count, 1}, &attempt);
        try_split((struct split){1, 1}, &attempt); /* byte by byte */
        free(packed.bytes);
    }
}

/* The limits so far are those for what is sent. Others apply to the image. */
static void its_length_is_not_limited_before_it_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY_COUNT; i++)
        for (int limited = 0; limited < 2; limited++) {
            struct packed packed = pack(WAYS[i].command, image, IMAGE);
            struct feeder feeder = feeder_of(packed.bytes, packed.count);
            struct body_plan plan = packed_plan(&feeder);
            plan.length_known = true;
            plan.length = packed.count;
            struct body *body = body_of(&plan);
            const char *detail;
            int opened;
            body_limit(body, &(struct body_limits){packed.count, UINT64_MAX, UINT64_MAX});
            while ((opened = body_open(body)) == STREAM_WAIT)
                packed_wait(&feeder);
            assert_int_equal(opened, 1);
            body_limit(body, &(struct body_limits){IMAGE - limited, UINT64_MAX, UINT64_MAX});
            assert_int_equal(packed_read(body, &feeder, image, IMAGE),
                             limited ? STREAM_REFUSED : STREAM_END);
            assert_int_equal(body_refusal(body, &detail),
                             limited ? REFUSAL_TOO_LARGE : REFUSAL_NONE);
            packed_done(body);
            free(packed.bytes);
        }
}

/* As for an upload that makes its own image. */
static void its_opening_is_there_before_its_formats_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY_COUNT; i++) {
        struct packed packed = pack(WAYS[i].command, image, IMAGE);
        struct feeder feeder = feeder_of(packed.bytes, packed.count);
        struct body_plan plan = packed_plan(&feeder);
        plan.disk_format = plan.container_format = NULL;
        struct body *body = body_of(&plan);
        size_t count;
        int ready;
        while ((ready = body_prepare_opening(body)) == STREAM_WAIT)
            packed_wait(&feeder);
        assert_int_equal(ready, 1);
        assert_true(body_decompressed(body));
        const void *opening = body_opening(body, &count);
        assert_int_equal(count, FORMAT_OPENING);
        assert_memory_equal(opening, image, count);
        packed_done(body);
        free(packed.bytes);
    }
}

/* --- what is left as it is ------------------------------------------------------------------ */

static void some_images_stay_compressed(void **state)
{
    static const struct {
        const char *disk, *container, *hypervisor;
        bool wanted, audit;
    } rows[] = {
        {"aki", "aki", NULL, true, false},    {"ari", "ari", NULL, true, false},
        {"raw", "docker", NULL, true, false}, {"squashfs", "compressed", NULL, true, false},
        {"vhd", "ovf", NULL, true, false},    {"vhd", "bare", "xen", true, false},
        {"raw", "bare", NULL, false, false},  {"raw", "bare", NULL, true, true},
    };
    (void)state;
    struct packed packed = pack("gzip -c $F", image, IMAGE);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct feeder feeder = feeder_of(packed.bytes, packed.count);
        struct body_plan plan = packed_plan(&feeder);
        plan.disk_format = rows[i].disk;
        plan.container_format = rows[i].container;
        plan.hypervisor = rows[i].hypervisor;
        plan.decompresses = rows[i].wanted;
        plan.audit = rows[i].audit;
        plan.checks = (struct check_levels){0};
        struct body *body = body_of(&plan);
        assert_int_equal(packed_read(body, &feeder, packed.bytes, packed.count), STREAM_END);
        assert_false(body_decompressed(body));
        assert_int_equal(body_left_compressed(body), rows[i].audit);
        packed_done(body);
    }
    free(packed.bytes);
}

static void other_data_passes_in_any_pieces(void **state)
{
    (void)state;
    for (size_t count = 1; count < 40; count++) {
        struct feeder feeder = feeder_of(image, count);
        feeder.split = (struct split){1, 1};
        feeder.waits = true;
        struct body_plan plan = packed_plan(&feeder);
        plan.checks = (struct check_levels){0};
        struct body *body = body_of(&plan);
        assert_int_equal(packed_read(body, &feeder, image, count), STREAM_END);
        assert_false(body_decompressed(body));
        packed_done(body);
    }
}

/* The client leaves, or the upload is refused, while the thread waits. */
static void it_may_be_freed_at_any_time(void **state)
{
    (void)state;
    struct packed packed = pack("xz -0 -c $F", image, IMAGE);
    for (size_t count = 18; count < packed.count; count += packed.count / 7) {
        struct feeder feeder = feeder_of(packed.bytes, count);
        feeder.breaks = true;
        struct body_plan plan = streamed_plan(&feeder);
        struct body *body = body_of(&plan);
        assert_int_equal(packed_read(body, &feeder, image, IMAGE), STREAM_LOST);
        packed_done(body);
    }
    free(packed.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(each_compression_becomes_the_image),
        ENV_TEST(it_may_come_in_any_pieces),
        ENV_TEST(its_length_is_not_limited_before_it_is_known),
        ENV_TEST(its_opening_is_there_before_its_formats_are_known),
        ENV_TEST(some_images_stay_compressed),
        ENV_TEST(other_data_passes_in_any_pieces),
        ENV_TEST(it_may_be_freed_at_any_time),
    };
    return cmocka_run_group_tests(tests, make_image, packed_end);
}
