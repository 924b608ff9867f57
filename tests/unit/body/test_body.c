/* SPDX-License-Identifier: Apache-2.0 */
/* The whole chain, with the real formats: an image, the way it is sent, and what becomes of it. */
#include "intake/body.h"

#include "intake/digest.h"
#include "intake/stream.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "uploads.h"

enum { MANY = 5 * SPOOL_BLOCK / 4 };

/* --- what becomes of it ---------------------------------------------------------------- */

static struct pump pump_of(struct request_record *upload, const struct feeder *from, size_t room)
{
    upload->feeder = *from;
    upload->plan.context = &upload->feeder;
    struct pump pump = {
        body_of(&upload->plan), &upload->feeder, upload->image, upload->count, room, 0};
    body_limit(pump.body, &upload->limits);
    return pump;
}

static void assert_passed(const struct request_record *upload, const struct pump *pump)
{
    unsigned char expected[SHA512_DIGEST_LENGTH], sha512[DIGEST_MAX_BYTES];
    size_t size;
    bool spooled = !is_told(upload) && upload->way->unknown_length == UNKNOWN_LENGTH_SPOOL;
    const struct body_note *rows;
    assert_int_equal(pump->given, upload->count);
    assert_int_equal(body_count(pump->body), upload->count);
    assert_int_equal(body_spooled(pump->body), spooled ? upload->count : 0);
    assert_int_equal(body_unwrapped(pump->body), upload->way->before[0] != '\0');
    assert_int_equal(body_warnings(pump->body, &rows), 0);
    SHA512((const unsigned char *)upload->image, upload->count, expected);
    assert_true(digests_get(body_digests(pump->body), "sha512", sha512, &size));
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(sha512, expected, sizeof expected);
}

/* It goes through whole, or it is refused and its last byte has not left. */
static void try_good(struct request_record *upload, const struct feeder *from, size_t room)
{
    const char *detail;
    uint64_t length;
    struct pump pump = pump_of(upload, from, room);
    int ready = pump_prepare(&pump);
    if (ready != 1)
        fail_msg("%s, %zu bytes: %d, %d", upload->way->what, upload->count, ready,
                 (int)body_refusal(pump.body, &detail));
    bool streamed = !is_told(upload) && upload->way->unknown_length == UNKNOWN_LENGTH_STREAM;
    assert_int_equal(body_length(pump.body, &length), !streamed);
    int end = pump_read(&pump);
    bool wrong = is_predicted_wrong(upload);
    if (end != (wrong ? STREAM_REFUSED : STREAM_END))
        fail_msg("%s, %zu bytes: %d", upload->way->what, upload->count, end);
    assert_int_equal(body_refusal(pump.body, &detail),
                     wrong ? REFUSAL_MULTIPART_MALFORMED : REFUSAL_NONE);
    if (!wrong)
        assert_passed(upload, &pump);
    if (!wrong && !streamed)
        assert_int_equal(length, upload->count);
    body_done(pump.body);
}

/* --- what is well ---------------------------------------------------------------------- */

static void try_pieces(struct request_record *upload)
{
    static const size_t pieces[] = {997, BODY_READ_MIN, OPENING, SIZE_MAX};
    const struct feeder whole = upload->feeder;
    for (unsigned i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct feeder feeder = whole;
        feeder.split = (struct split){pieces[i], pieces[i]};
        feeder.waits = i % 2;
        try_good(upload, &feeder, BODY_READ_MIN);
        feeder.waits = !feeder.waits;
        try_good(upload, &feeder, 2 * OPENING);
        feeder.random = i + 1;
        try_good(upload, &feeder, BODY_READ_MIN + i);
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
    struct request_record upload = *(const struct request_record *)context;
    struct feeder feeder = upload.feeder;
    feeder.split = split;
    feeder.waits = true;
    try_good(&upload, &feeder, BODY_READ_MIN);
}

static void try_splits(struct request_record *upload)
{
    splits_each(upload->feeder.count, try_split, upload);
}

static void cut_in_any_way(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {40, {{0}}}}, try_splits);
}

/* Where the opening ends, the room for it ends, and the body ends. */
static void try_edges(struct request_record *upload)
{
    const size_t edges[] = {OPENING, OPENING + sizeof HEAD, OPENING + FILTER_ROOM_MIN,
                            upload->feeder.count - 50};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        for (size_t first = edges[i] - 10; first < edges[i] + 50; first += 3)
            try_split((struct split){first, SIZE_MAX}, upload);
    try_split((struct split){1, 1}, upload);
}

static void cut_at_the_edges_of_a_large_one(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {OPENING + 2 * BODY_READ_MIN, {{0}}}}, try_edges);
}

/* --- what is not ----------------------------------------------------------------------- */

/* A prepared body that is refused has given nothing. `at_once`: whatever the way. */
struct bad {
    struct image image;
    enum refusal refusal;
    bool at_once;
    struct body_limits limits;
};

#define NONE UINT64_MAX
#define UNLIMITED                                                                                  \
    {                                                                                              \
        NONE, NONE, NONE                                                                           \
    }

static const struct bad *bad;

static void try_bad(struct request_record *upload)
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
        if (row.image.sparse.size == AT_METADATA) /* no pieces behind its end */
            memset(&row.image.sparse.pieces[2], 0, 2 * sizeof row.image.sparse.pieces[0]);
        bad = &row;
        each_image(&row.image, try_bad);
    }
}

/* --- lies and breaks ------------------------------------------------------------------- */

/* What is said of the length, and `off` bytes more than that come. */
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

static void a_length_that_is_not_kept_is_never_reached(void **state)
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

/* At any point, in any way: it is lost, and nobody could take it for whole. */
static void try_break(struct request_record *upload)
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

static void what_breaks_off_is_lost(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {MANY, {{0}}}}, try_break);
    each_image(&(struct image){"raw", {1000, {{0}}}}, try_break);
}

/* --- limits and warnings --------------------------------------------------------------- */

/* A rule is chosen when the size is known: by then the opening has passed. */
static void try_late_limit(struct request_record *upload)
{
    const char *detail;
    const struct feeder whole = upload->feeder;
    struct pump pump = pump_of(upload, &whole, BODY_READ_MIN);
    assert_int_equal(pump_prepare(&pump), 1);
    body_limit(pump.body, &(struct body_limits){OPENING - 1, NONE, NONE});
    assert_int_equal(pump_read(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_TOO_LARGE);
    assert_int_equal(pump.given, 0);
    body_limit(pump.body, &(struct body_limits)UNLIMITED);
    assert_int_equal(body_prepare(pump.body), STREAM_REFUSED);
    body_done(pump.body);
}

static void a_limit_may_come_after_the_opening(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {MANY, {{0}}}}, try_late_limit);
}

/* A fixed disk of 64 KiB: with its footer the image is larger than that. */
static void try_disk_limit(struct request_record *upload)
{
    const char *detail;
    const struct feeder whole = upload->feeder;
    upload->limits.max_virtual_size = OPENING;
    try_good(upload, &whole, BODY_READ_MIN);
    upload->limits.max_virtual_size = OPENING - 1;
    struct pump pump = pump_of(upload, &whole, BODY_READ_MIN);
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    assert_int_equal(body_refusal(pump.body, &detail), REFUSAL_TOO_LARGE);
    assert_string_equal(detail, "the disk in it has 65536 bytes, and the limit for that is 65535");
    body_done(pump.body);
}

static void a_disk_is_as_large_as_its_format_says(void **state)
{
    (void)state;
    each_image(&(struct image){FIXED_VHD(OPENING + 512)}, try_disk_limit);
}

static void what_is_let_pass_is_listed_once(void **state)
{
    (void)state;
    char *bytes = image_make(&(struct image){"vhd", {MANY, {PIECE(0, QCOW2)}}});
    const struct body_note *rows;
    struct feeder feeder = feeder_of(bytes, MANY);
    struct body_plan plan = plan_of(&feeder);
    plan.disk_format = "vhd";
    plan.checks.format = CHECK_WARN;
    plan.checks.unsafe_format = CHECK_WARN;
    struct pump pump = {body_of(&plan), &feeder, bytes, MANY, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(body_warnings(pump.body, &rows), 2);
    assert_int_equal(rows[0].reason, REFUSAL_FORMAT_MISMATCH);
    assert_int_equal(rows[1].reason, REFUSAL_UNSAFE_FORMAT);
    assert_string_equal(rows[1].detail, "declared vhd, but it has a qcow2 header");
    body_done(pump.body);
    free(bytes);
}

/* --- only watched ---------------------------------------------------------------------- */

/* What is told of the upload; the last one is REFUSAL_NONE. Of an image in a form nothing is. */
static const enum refusal *told;

static void assert_told(const struct request_record *upload, const struct body *body)
{
    const struct body_note *rows;
    size_t count = body_audited(body, &rows), expected = 0;
    while (told[expected] && !body_wrapped(body))
        expected++;
    if (count != expected)
        fail_msg("%s, %zu bytes: %zu objections", upload->way->what, upload->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rows[i].reason, told[i]);
}

/* Every byte that the client has sent, in the framing that it came in. */
static void try_watched(struct request_record *upload)
{
    const struct feeder whole = upload->feeder;
    upload->plan.audit = true;
    for (unsigned seed = 0; seed < 6; seed++) {
        unsigned char expected[SHA512_DIGEST_LENGTH], sha512[DIGEST_MAX_BYTES];
        uint64_t length;
        size_t size;
        struct feeder feeder = whole;
        feeder.random = seed;
        feeder.waits = seed % 2;
        struct pump pump = pump_of(upload, &feeder, seed % 3 ? BODY_READ_MIN : 2 * OPENING);
        pump.image = whole.bytes;
        pump.count = whole.count;
        assert_int_equal(pump_all(&pump), STREAM_END);
        assert_int_equal(pump.given, whole.count);
        assert_int_equal(body_length(pump.body, &length), upload->way->length);
        assert_int_equal(body_spooled(pump.body), 0);
        assert_false(body_unwrapped(pump.body));
        assert_int_equal(body_wrapped(pump.body), upload->way->before[0] != '\0');
        assert_told(upload, pump.body);
        SHA512((const unsigned char *)whole.bytes, whole.count, expected);
        assert_true(digests_get(body_digests(pump.body), "sha512", sha512, &size));
        assert_memory_equal(sha512, expected, sizeof expected);
        body_done(pump.body);
    }
}

static void what_is_only_watched_goes_on_as_it_came(void **state)
{
    (void)state;
    static const struct {
        struct image image;
        enum refusal told[3];
    } rows[] = {
        {{"raw", {1, {{0}}}}, {REFUSAL_NONE}},
        {{"raw", {OPENING, {{0}}}}, {REFUSAL_NONE}},
        {{"qcow2", {MANY, {PIECE(0, QCOW2), NO_L1}}}, {REFUSAL_NONE}},
        {{"vhdx", {VHDX_SIZE, {VHDX}}}, {REFUSAL_NONE}},
        {{FIXED_VHD(OPENING + 512)}, {REFUSAL_NONE}},
        {{"raw", {MANY, {PIECE(0, QCOW2)}}}, {REFUSAL_FORMAT_MISMATCH, REFUSAL_UNSAFE_FORMAT}},
        {{"vhd", {OPENING + 600, {{0}}}}, {REFUSAL_FORMAT_MISMATCH}},
        {{NULL, {MANY, {PIECE(0, QCOW2)}}}, {REFUSAL_NONE}}, /* nothing to hold it against */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        told = rows[i].told;
        each_image(&rows[i].image, try_watched);
    }
}

/* --- checks whose levels come later ----------------------------------------------------- */

/* A qcow2 with a data file elsewhere, declared raw: two checks have something to say. */
static void what_checks_find_waits_for_their_levels(void **state)
{
    (void)state;
    static const struct {
        enum check_level format, unsafe;
        bool audit;
        enum refusal refusal;
        unsigned warnings, audited;
    } rows[] = {
        {CHECK_REJECT, CHECK_REJECT, false, REFUSAL_FORMAT_MISMATCH, 0, 0},
        {CHECK_OFF, CHECK_REJECT, false, REFUSAL_UNSAFE_FORMAT, 0, 0},
        {CHECK_WARN, CHECK_WARN, false, REFUSAL_NONE, 2, 0},
        {CHECK_WARN, CHECK_OFF, false, REFUSAL_NONE, 1, 0},
        {CHECK_OFF, CHECK_OFF, false, REFUSAL_NONE, 0, 0},
        {CHECK_REJECT, CHECK_WARN, true, REFUSAL_NONE, 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct image image = {"raw", {MANY, {PIECE(0, QCOW2)}}};
        const struct check_levels levels = {.format = rows[i].format,
                                            .unsafe_format = rows[i].unsafe};
        char *bytes = image_make(&image);
        struct feeder feeder = feeder_of(bytes, MANY);
        struct body_plan plan = plan_of(&feeder);
        const struct body_note *notes;
        const char *detail;
        plan.disk_format = "raw";
        plan.checks = (struct check_levels){.damaged = CHECK_OFF};
        plan.checks_wait = true;
        struct pump pump = {body_of(&plan), &feeder, bytes, MANY, BODY_READ_MIN, 0};
        assert_int_equal(pump_prepare(&pump), 1);
        assert_int_equal(body_warnings(pump.body, &notes), 0);
        if (rows[i].audit)
            body_audit(pump.body);
        body_checks(pump.body, &levels);
        assert_int_equal(body_refusal(pump.body, &detail), rows[i].refusal);
        assert_int_equal(body_warnings(pump.body, &notes), rows[i].warnings);
        assert_int_equal(body_audited(pump.body, &notes), rows[i].audited);
        assert_int_equal(pump_read(&pump), rows[i].refusal ? STREAM_REFUSED : STREAM_END);
        body_done(pump.body);
        free(bytes);
    }
}

static void even_nothing_goes_on(void **state)
{
    (void)state;
    for (int length_known = 0; length_known < 2; length_known++) {
        const struct body_note *rows;
        struct feeder feeder = feeder_of("", 0);
        feeder.waits = true;
        struct body_plan plan = plan_of(&feeder);
        plan.audit = true;
        plan.length_known = length_known;
        struct pump pump = {body_of(&plan), &feeder, "", 0, 0, 0};
        assert_int_equal(pump_prepare(&pump), 1);
        assert_int_equal(body_finished(pump.body), length_known);
        assert_int_equal(pump_read(&pump), STREAM_END);
        assert_int_equal(body_audited(pump.body, &rows), 1);
        assert_int_equal(rows[0].reason, REFUSAL_EMPTY_BODY);
        body_done(pump.body);
    }
}

/* What has been done to it by then stays so, and what could not go on is still refused. */
static void it_may_be_known_late_that_it_is_only_watched(void **state)
{
    (void)state;
    static const char form[] = HEAD "\0IMAGE" END;
    static const char cut[] = HEAD "\0IMAGE";
    const struct body_note *rows;
    struct feeder feeder = feeder_of(form, sizeof form - 1);
    struct body_plan plan = plan_of(&feeder);
    plan.content_type = "multipart/form-data; boundary=B";
    struct pump pump = {body_of(&plan), &feeder, "\0IMAGE", 6, 0, 0};
    assert_int_equal(pump_prepare(&pump), 1);
    body_audit(pump.body);
    body_limit(pump.body, &(struct body_limits){5, UINT64_MAX, UINT64_MAX});
    assert_int_equal(pump_read(&pump), STREAM_END);
    assert_int_equal(body_audited(pump.body, &rows), 1);
    assert_int_equal(rows[0].reason, REFUSAL_TOO_LARGE);
    assert_true(body_unwrapped(pump.body));
    body_done(pump.body);
    feeder = feeder_of(cut, sizeof cut - 1);
    pump = (struct pump){body_of(&plan), &feeder, "\0IMAGE", 6, 0, 0};
    body_audit(pump.body);
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    body_done(pump.body);
}

static void nothing_is_freed_without_harm(void **state)
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
        YARD_TEST(any_image_arrives_as_it_was_sent),
        YARD_TEST(cut_in_any_way),
        YARD_TEST(cut_at_the_edges_of_a_large_one),
        YARD_TEST(a_bad_image_never_arrives_whole),
        YARD_TEST(a_length_that_is_not_kept_is_never_reached),
        YARD_TEST(what_breaks_off_is_lost),
        YARD_TEST(a_limit_may_come_after_the_opening),
        YARD_TEST(a_disk_is_as_large_as_its_format_says),
        YARD_TEST(what_is_let_pass_is_listed_once),
        YARD_TEST(what_is_only_watched_goes_on_as_it_came),
        YARD_TEST(even_nothing_goes_on),
        YARD_TEST(what_checks_find_waits_for_their_levels),
        YARD_TEST(it_may_be_known_late_that_it_is_only_watched),
        YARD_TEST(nothing_is_freed_without_harm),
    };
    return cmocka_run_group_tests(tests, yard_begin, yard_end);
}
