/* SPDX-License-Identifier: Apache-2.0 */
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
#include "splice_runs.h"
#include "uploads.h"

/* --- moved as it would be read --------------------------------------------------------------- */

/* A refusal in the middle may come later, but before the last byte. */
static void send_both(struct sent_upload *upload, const struct feeder *from)
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

static void in_any_pieces(struct sent_upload *upload)
{
    static const size_t pieces[] = {4093, BODY_READ_MIN, OPENING, SIZE_MAX};
    const struct feeder whole = upload->feeder;
    upload->limits.max_virtual_size = (uint64_t)64 << 20;
    for (unsigned i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct feeder feeder = whole;
        feeder.split = (struct split){pieces[i], pieces[i]};
        feeder.waits = i % 2;
        send_both(upload, &feeder);
    }
    for (unsigned seed = 1; seed <= 2; seed++) {
        struct feeder feeder = whole;
        feeder.random = seed;
        feeder.waits = true;
        feeder.breaks = seed == 2;
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
    static const enum verify_mode modes[] = {VERIFY_SIZE, VERIFY_DIGEST};
    for (size_t j = 0; j < sizeof modes / sizeof modes[0]; j++) {
        env.settings.upload.verify = modes[j];
        env.moved = 0;
        for (size_t i = 0; i < sizeof images / sizeof images[0]; i++)
            each_image(&images[i], in_any_pieces);
        assert_true(env.moved > 0);
    }
}

/* From the first moved byte to the last one that is read: cut at every point of it. */
static void try_edges(struct sent_upload *upload)
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
    env.settings.upload.verify = VERIFY_SIZE;
    each_image(&(struct image){"raw", {OPENING + 2 * BODY_READ_MIN, {{0}}}}, try_edges);
    assert_true(env.moved > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(spliced_body_gives_the_same_result),
        ENV_TEST(spliced_body_is_read_split_at_its_edges),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
