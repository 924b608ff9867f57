/* SPDX-License-Identifier: Apache-2.0 */
/* A compressed image becomes the image, or is refused before Glance could take it for whole. */
#include "intake/body.h"
#include "intake/decompressor.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "packed.h"
#include "promising.h"

enum { IMAGE = 300 * 1024 + 17, SMALL = 2000 };

static char image[IMAGE];

/* Half of it does not compress. */
static int make_image(void **state)
{
    unsigned seed = 7;
    for (size_t i = 0; i < IMAGE; i++) {
        seed = seed * 1103515245U + 12345U;
        image[i] = (char)(i % 1024 < 512 ? seed >> 16 : 0);
    }
    return packed_begin(state);
}

struct way {
    const char *command;
    bool length;    /* it announces its length */
    bool parts;     /* several streams */
    size_t padding; /* bytes at its end that may be missing */
};

static const struct way WAYS[] = {
    {.command = "gzip -c $F"},
    {.command = "xz -0 -c $F"},
    {.command = "zstd -q -c $F", .length = true},
    {.command = "zstd -q -c < $F"},
    {.command = "bzip2 -c $F"},
    {.command = "{ head -c 1000 $F | gzip; tail -c +1001 $F | gzip; }", .parts = true},
    {.command = "{ head -c 1000 $F | xz -0; head -c 8 /dev/zero; tail -c +1001 $F | xz -0; }",
     .parts = true},
    {.command = "{ head -c 1000 $F | bzip2; tail -c +1001 $F | bzip2; }", .parts = true},
    {.command = "{ head -c 1000 $F | zstd -q; tail -c +1001 $F | zstd -q; }", .parts = true},
    {.command = "{ gzip -c $F; head -c 512 /dev/zero; }", .padding = 512},
    {.command = "mkdir $F.d; ln $F $F.d/disk.raw; tar -C $F.d -cf - disk.raw | gzip; rm -r $F.d",
     .length = true},
    {.command = "mkdir $F.d; ln $F $F.d/disk.raw; tar -C $F.d -cf - . | xz -0; rm -r $F.d",
     .length = true},
    {.command =
         "mkdir $F.d; cp --sparse=always $F $F.d/disk.raw; tar -C $F.d --format=oldgnu -Scf - "
         "disk.raw | zstd -q; rm -r $F.d",
     .length = true},
    {.command = "mkdir $F.d; ln $F $F.d/disk.raw; tar -C $F.d --format=pax -cf - disk.raw | bzip2; "
                "rm -r $F.d",
     .length = true},
};
enum { WAY_COUNT = sizeof WAYS / sizeof *WAYS };

/* --- it becomes the image ------------------------------------------------------------------- */

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

/* --- it is refused -------------------------------------------------------------------------- */

/* Returns the reason; `given` are bytes that Glance could get. */
static enum refusal refusal_of(struct body_plan *plan, struct feeder *feeder, size_t count,
                               const char **why)
{
    static char words[BODY_WORDS];
    const char *detail;
    struct body *body = body_of(plan);
    int end = packed_read(body, feeder, image, count);
    assert_int_not_equal(end, STREAM_LOST);
    enum refusal reason = body_refusal(body, &detail);
    assert_int_equal(end == STREAM_REFUSED, reason != REFUSAL_NONE);
    assert_int_equal(end == STREAM_REFUSED, !body_finished(body));
    snprintf(words, sizeof words, "%s", detail);
    *why = words;
    packed_done(body);
    return reason;
}

/* Streamed, so that it is read before its end is known; pump_check_piece() sees the last byte. */
static struct body_plan streamed_plan(struct feeder *feeder)
{
    struct body_plan plan = packed_plan(feeder);
    plan.spools_unknown_length = false;
    return plan;
}

/* Streams one after the other are whole for every tool where one ends, so the first are one here.
 */
static void any_part_of_it_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY_COUNT; i++) {
        struct packed packed = pack(WAYS[i].command, image, SMALL);
        size_t step = WAYS[i].parts ? packed.count : 1 + packed.count / 16;
        for (size_t count = 18; count < packed.count - WAYS[i].padding; count += step) {
            const char *why;
            struct feeder feeder = feeder_of(packed.bytes, count);
            struct body_plan plan = streamed_plan(&feeder);
            enum refusal reason = refusal_of(&plan, &feeder, SMALL, &why);
            if (reason != REFUSAL_TRUNCATED)
                fail_msg("%s, %zu of %zu: %s", WAYS[i].command, count, packed.count, why);
        }
        free(packed.bytes);
    }
}

static void damage_and_additions_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        if (WAYS[i].length) /* it is not spooled: Glance gets a part, and never the end */
            continue;
        struct packed packed = pack(WAYS[i].command, image, IMAGE);
        for (int what = 0; what < 3; what++) {
            size_t at = what == 0 ? packed.count / 2 : packed.count - 2;
            size_t count = packed.count + (what == 2 ? 10 : 0);
            memset(packed.bytes + packed.count, 'x', 10);
            packed.bytes[at] ^= what < 2 ? 0x20 : 0;
            const char *why;
            struct feeder feeder = feeder_of(packed.bytes, count);
            struct body_plan plan = packed_plan(&feeder);
            enum refusal reason = refusal_of(&plan, &feeder, IMAGE, &why);
            packed.bytes[at] ^= what < 2 ? 0x20 : 0;
            if (reason != REFUSAL_DAMAGED_BODY && reason != REFUSAL_TRUNCATED)
                fail_msg("%s, %d: %d", WAYS[i].command, what, reason);
            if (what == 2)
                assert_non_null(strstr(why, "has something else behind it"));
        }
        free(packed.bytes);
    }
}

static void other_archives_are_refused(void **state)
{
    static const struct {
        const char *command, *why;
    } rows[] = {
        {"mkdir $F.d; ln $F $F.d/a; cp $F $F.d/b; tar -C $F.d -cf - a b | gzip; rm -r $F.d",
         "its gzip data is a tar with more than one disk in it"},
        {"mkdir $F.d; tar -C $F.d -cf - . | gzip; rm -r $F.d",
         "its gzip data is a tar without a file"},
        {"mkdir $F.d; ln -s /etc/passwd $F.d/a; tar -C $F.d -cf - . | xz; rm -r $F.d",
         "its xz data is a tar with more than one disk in it"},
        {"xz --lzma2=preset=0,dict=160MiB -c $F",
         "its xz data takes more than 128 MiB of memory to decompress"},
        {"printf \'\\050\\265\\057\\375\\000\\220\\001\\000\\000xxxxxxxxxxxx\'",
         "its zstd data takes more than 128 MiB of memory to decompress"},
        {"{ zstd -q -c $F; zstd -q -c $F; }",
         "its zstd data has several parts, of which the first announces a length"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why;
        struct packed packed = pack(rows[i].command, image, SMALL);
        struct feeder feeder = feeder_of(packed.bytes, packed.count);
        struct body_plan plan = streamed_plan(&feeder);
        assert_int_equal(refusal_of(&plan, &feeder, SMALL, &why), REFUSAL_COMPRESSED);
        assert_string_equal(why, rows[i].why);
        free(packed.bytes);
    }
}

/* 4 MiB in a few hundred bytes or kilobytes. */
static void bombs_are_stopped_by_the_limit(void **state)
{
    static const char *const commands[] = {"gzip", "xz -0", "zstd -q", "bzip2"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char command[64];
        snprintf(command, sizeof command, "head -c 4M /dev/zero | %s", commands[i]);
        struct packed packed = pack(command, "", 0);
        assert_true(packed.count < 8192);
        struct feeder feeder = feeder_of(packed.bytes, packed.count);
        struct body_plan plan = packed_plan(&feeder);
        struct body *body = body_of(&plan);
        const char *detail;
        body_limit(body, &(struct body_limits){1 << 20, UINT64_MAX, UINT64_MAX});
        int ready;
        while ((ready = body_prepare(body)) == STREAM_WAIT)
            packed_wait(&feeder);
        assert_int_equal(ready, STREAM_REFUSED);
        assert_int_equal(body_refusal(body, &detail), REFUSAL_TOO_LARGE);
        assert_true(body->measured < 2 << 20);
        packed_done(body);
        free(packed.bytes);
    }
}

/* --- sizes and digests ---------------------------------------------------------------------- */

static void promised_size_is_that_of_either(void **state)
{
    (void)state;
    struct packed packed = pack("gzip -c $F", image, IMAGE);
    const struct {
        uint64_t promise;
        enum refusal reason;
        bool known; /* without the spool */
    } rows[] = {
        {IMAGE, REFUSAL_NONE, true},
        {packed.count, REFUSAL_NONE, false},
        {IMAGE - 1, REFUSAL_SIZE_MISMATCH, true},
        {IMAGE + 1, REFUSAL_SIZE_MISMATCH, true},
    };
    for (size_t i = 0; i < 4; i++) {
        const char *detail;
        uint64_t length;
        struct feeder feeder = feeder_of(packed.bytes, packed.count);
        struct body_plan plan = streamed_plan(&feeder);
        plan.length_known = plan.promised = true;
        plan.length = packed.count;
        plan.promise = rows[i].promise;
        struct body *body = body_of(&plan);
        while (body_open(body) == STREAM_WAIT)
            packed_wait(&feeder);
        assert_int_equal(body_length(body, &length), rows[i].known);
        packed_read(body, &feeder, image, IMAGE);
        assert_int_equal(body_refusal(body, &detail), rows[i].reason);
        packed_done(body);
    }
    free(packed.bytes);
}

static void promised_digests_cover_what_each_is_of(void **state)
{
    (void)state;
    struct packed packed = pack("xz -0 -c $F", image, IMAGE);
    struct promises sent = {0}, stored = {0};
    promise_add(&sent, "Repr-Digest", "sha256", packed.bytes, packed.count);
    promise_add(&stored, "os_hash", "sha512", image, IMAGE);
    for (int broken = 0; broken < 3; broken++) {
        struct promises first = sent, second = stored;
        const char *detail;
        if (broken)
            promise_break(broken == 1 ? &first.rows[0] : &second.rows[0]);
        struct feeder feeder = feeder_of(packed.bytes, packed.count);
        struct body_plan plan = packed_plan(&feeder);
        plan.promises = &first;
        plan.image_promises = &second;
        struct body *body = body_of(&plan);
        int end = packed_read(body, &feeder, image, IMAGE);
        assert_int_equal(end, broken ? STREAM_REFUSED : STREAM_END);
        assert_int_equal(body_refusal(body, &detail),
                         broken ? REFUSAL_DIGEST_MISMATCH : REFUSAL_NONE);
        packed_done(body);
    }
    free(packed.bytes);
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
        ENV_TEST(any_part_of_it_is_refused),
        ENV_TEST(damage_and_additions_are_refused),
        ENV_TEST(other_archives_are_refused),
        ENV_TEST(bombs_are_stopped_by_the_limit),
        ENV_TEST(promised_size_is_that_of_either),
        ENV_TEST(promised_digests_cover_what_each_is_of),
        ENV_TEST(some_images_stay_compressed),
        ENV_TEST(other_data_passes_in_any_pieces),
        ENV_TEST(it_may_be_freed_at_any_time),
    };
    return cmocka_run_group_tests(tests, make_image, packed_end);
}
