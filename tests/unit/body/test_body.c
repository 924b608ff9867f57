/* SPDX-License-Identifier: Apache-2.0 */
/* The whole chain, with the real formats: intact and damaged images, sent in each way. */
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "body_attempts.h"
#include "pump.h"
#include "uploads.h"

/* --- what is well ---------------------------------------------------------------------- */

static void try_pieces(struct sent_upload *upload)
{
    static const size_t pieces[] = {4093, BODY_READ_MIN, OPENING, SIZE_MAX};
    const struct feeder whole = upload->feeder;
    for (unsigned i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct feeder feeder = whole;
        feeder.split = (struct split){pieces[i], pieces[i]};
        feeder.waits = i % 2;
        try_good(upload, &feeder, BODY_READ_MIN);
        feeder.waits = !feeder.waits;
        try_good(upload, &feeder, 2 * OPENING);
    }
    for (unsigned seed = 1; seed <= 2; seed++) {
        struct feeder feeder = whole;
        feeder.random = seed;
        feeder.waits = seed % 2;
        try_good(upload, &feeder, BODY_READ_MIN + seed);
    }
}

static void any_image_arrives_as_it_was_sent(void **state)
{
    (void)state;
    static const struct image images[] = {
        {"raw", {1, {{0}}}},
        {"raw", {2, {{0}}}},
        {"raw", {OPENING - 1, {{0}}}},
        {"raw", {OPENING, {{0}}}},
        {"raw", {OPENING + 1, {{0}}}},
        {"raw", {OPENING + FILTER_ROOM_MIN, {{0}}}},
        {"raw", {MANY, {{0}}}},
        {"raw", {MANY, {PIECE(510, "\x55\xAA")}}},
        {"qcow2", {MANY, {PIECE(0, QCOW2), NO_L1}}},
        {"vhdx", {VHDX_SIZE, {VHDX}}},
        {FIXED_VHD(4 * KIB + 512)},
        {FIXED_VHD(OPENING)},
        {FIXED_VHD(OPENING + 1)},
        {FIXED_VHD(OPENING + 511)},
        {FIXED_VHD(OPENING + 512)},
        {FIXED_VHD(OPENING + 513)},
        {FIXED_VHD(MANY)},
    };
    for (size_t i = 0; i < sizeof images / sizeof images[0]; i++)
        each_image(&images[i], try_pieces);
}

static void try_split(struct split split, const void *context)
{
    struct sent_upload upload = *(const struct sent_upload *)context;
    struct feeder feeder = upload.feeder;
    feeder.split = split;
    feeder.waits = true;
    try_good(&upload, &feeder, BODY_READ_MIN);
}

static void try_splits(struct sent_upload *upload)
{
    splits_each(upload->feeder.count, try_split, upload);
}

static void any_image_arrives_however_split(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {40, {{0}}}}, try_splits);
}

/* At the end of the opening, of its buffer, and of the body. */
static void try_edges(struct sent_upload *upload)
{
    const size_t edges[] = {OPENING, OPENING + sizeof HEAD, OPENING + FILTER_ROOM_MIN,
                            upload->feeder.count - 50};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        for (size_t first = edges[i] - 10; first < edges[i] + 50; first += 3)
            try_split((struct split){first, SIZE_MAX}, upload);
    try_split((struct split){1, 1}, upload);
}

static void large_image_arrives_split_at_its_edges(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {OPENING + 2 * BODY_READ_MIN, {{0}}}}, try_edges);
}

/* Before its opening is checked. */
static void try_open(struct sent_upload *upload)
{
    uint64_t length;
    int opened;
    const struct feeder whole = upload->feeder;
    for (unsigned seed = 0; seed < 4; seed++) {
        struct feeder feeder = whole;
        feeder.random = seed;
        feeder.waits = seed % 2;
        struct pump pump = pump_of(upload, &feeder, BODY_READ_MIN);
        while ((opened = body_open(pump.body)) == STREAM_WAIT)
            pump_wait(&pump);
        assert_int_equal(opened, 1);
        assert_int_equal(body_unwrapped(pump.body), upload->way->before[0] != '\0');
        assert_int_equal(body_length(pump.body, &length),
                         upload->way->length || upload->way->promise);
        body_done(pump.body);
    }
}

static void an_open_body_shows_its_form(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {1, {{0}}}}, try_open);
    each_image(&(struct image){"raw", {MANY, {{0}}}}, try_open);
}

/* --- what is not ----------------------------------------------------------------------- */

/* A prepared body that is refused has given nothing. `at_once`: whatever the way. */
struct bad {
    struct image image;
    enum refusal refusal;
    bool at_once;
    struct body_limits limits;
};

static const struct bad *bad;

static void try_bad(struct sent_upload *upload)
{
    const char *detail;
    const struct feeder whole = upload->feeder;
    upload->limits = bad->limits;
    for (unsigned seed = 0; seed < 4; seed++) {
        struct feeder feeder = whole;
        feeder.random = seed;
        feeder.waits = seed % 2;
        struct pump pump = pump_of(upload, &feeder, BODY_READ_MIN);
        bool spooled = !is_told(upload) && upload->way->unknown_length == UNKNOWN_LENGTH_SPOOL;
        int end = pump_all(&pump);
        enum refusal refusal = body_refusal(pump.body, &detail);
        if (end != STREAM_REFUSED || refusal != bad->refusal)
            fail_msg("%s, %zu bytes: %d, %d: %s", upload->way->what, upload->count, end,
                     (int)refusal, detail);
        if ((bad->at_once || spooled) && pump.given)
            fail_msg("%s: %zu bytes were given", upload->way->what, pump.given);
        body_done(pump.body);
    }
}

static void a_bad_image_never_arrives_whole(void **state)
{
    (void)state;
    static char as[4 * KIB];
    memset(as, 'a', sizeof as);
    const struct bad rows[] = {
        {{"raw", {0, {{0}}}}, REFUSAL_EMPTY_BODY, true, UNLIMITED},
        {{"raw", {sizeof as, {{0, as, sizeof as}}}}, REFUSAL_DAMAGED_BODY, true, UNLIMITED},
        {{"raw", {MANY, {PIECE(0, QCOW2)}}}, REFUSAL_FORMAT_MISMATCH, true, UNLIMITED},
        {{"qcow2", {MANY, {{0}}}}, REFUSAL_FORMAT_MISMATCH, true, UNLIMITED},
        /* a backing file's name, of 8 bytes at 512 */
        {{"qcow2", {MANY, {PIECE(0, QCOW2), PIECE(14, "\2\0\0\0\0\x08"), PIECE(512, "/etc/abc")}}},
         REFUSAL_UNSAFE_FORMAT,
         true,
         UNLIMITED},
        /* a parent's mark */
        {{"vhdx", {VHDX_SIZE, {VHDX, PIECE(AT_ITEMS + 4, "\2")}}},
         REFUSAL_UNSAFE_FORMAT,
         false,
         UNLIMITED},
        {{"vhdx", {AT_METADATA, {VHDX}}}, REFUSAL_FORMAT_MISMATCH, false, UNLIMITED},
        {{"vhd", {MANY, {{0}}}}, REFUSAL_FORMAT_MISMATCH, false, UNLIMITED},
        {{"vhd", {OPENING + 100, {{0}}}}, REFUSAL_FORMAT_MISMATCH, false, UNLIMITED},
        {{"raw", {1000, {{0}}}}, REFUSAL_TOO_LARGE, true, {999, NONE, NONE}},
        {{"raw", {1000, {{0}}}}, REFUSAL_TOO_LARGE, true, {NONE, NONE, 999}},
        {{"raw", {1000, {{0}}}}, REFUSAL_LENGTH_REQUIRED, true, {NONE, 999, NONE}},
        {{"raw", {MANY, {{0}}}}, REFUSAL_TOO_LARGE, false, {MANY - 1, NONE, NONE}},
        {{"qcow2", {MANY, {PIECE(0, QCOW2)}}},
         REFUSAL_TOO_LARGE,
         true,
         {NONE, NONE, (64 << 20) - 1}},
        {{"vhdx", {VHDX_SIZE, {VHDX}}}, REFUSAL_TOO_LARGE, false, {NONE, NONE, (64 << 20) - 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bad row = rows[i];
        if (row.image.sparse.size == AT_METADATA) /* no pieces after its end */
            memset(&row.image.sparse.pieces[2], 0, 2 * sizeof row.image.sparse.pieces[0]);
        bad = &row;
        each_image(&row.image, try_bad);
    }
}

/* --- lies and breaks ------------------------------------------------------------------- */

/* The declared length, and `off` bytes more than that come. */
static void try_lie(size_t count, int off, bool promise, unsigned seed)
{
    char *bytes = image_make(&(struct image){"raw", {count, {{0}}}});
    const char *detail;
    struct feeder feeder = feeder_of(bytes, count);
    feeder.random = seed;
    feeder.waits = seed % 2;
    struct body_plan plan = plan_of(&feeder);
    plan.length_known = !promise;
    plan.promised = promise;
    plan.length = plan.promise = (uint64_t)((ssize_t)count - off);
    struct pump pump = {body_of(&plan), &feeder, bytes, count, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_SIZE_MISMATCH);
    assert_true(pump.given < plan.length);
    body_done(pump.body);
    free(bytes);
}

static void body_with_a_wrong_length_never_arrives_whole(void **state)
{
    (void)state;
    static const size_t counts[] = {1000, OPENING - 1, OPENING, OPENING + 1, MANY};
    static const int offs[] = {-1, 1, -500, 500};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (unsigned k = 0; k < 8; k++) {
            try_lie(counts[i], offs[k / 2], true, k);
            try_lie(counts[i], offs[k / 2], false, k);
        }
}

/* At any point, in any way: it is lost, and cannot be taken for complete. */
static void try_break(struct sent_upload *upload)
{
    const struct feeder whole = upload->feeder;
    const size_t step = whole.count / 23;
    for (size_t left = 1; left < whole.count; left += step) {
        struct feeder feeder = whole;
        feeder.count -= left;
        feeder.breaks = true;
        feeder.waits = left % 2;
        struct pump pump = pump_of(upload, &feeder, BODY_READ_MIN);
        assert_int_equal(pump_all(&pump), STREAM_LOST);
        body_done(pump.body);
    }
}

static void broken_off_body_is_lost(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {MANY, {{0}}}}, try_break);
    each_image(&(struct image){"raw", {1000, {{0}}}}, try_break);
}

/* --- checks whose levels come later ----------------------------------------------------- */

static void body_free_accepts_null(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of("", 0);
    const struct body_plan plan = plan_of(&feeder);
    body_free(NULL);
    body_done(body_of(&plan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(any_image_arrives_as_it_was_sent),
        ENV_TEST(any_image_arrives_however_split),
        ENV_TEST(large_image_arrives_split_at_its_edges),
        ENV_TEST(an_open_body_shows_its_form),
        ENV_TEST(a_bad_image_never_arrives_whole),
        ENV_TEST(body_with_a_wrong_length_never_arrives_whole),
        ENV_TEST(broken_off_body_is_lost),
        ENV_TEST(body_free_accepts_null),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
