/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed data that is broken or too much is refused before Glance could take it for whole. */
#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "packed_image.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(any_part_of_it_is_refused),
        ENV_TEST(damage_and_additions_are_refused),
        ENV_TEST(other_archives_are_refused),
        ENV_TEST(bombs_are_stopped_by_the_limit),
    };
    return cmocka_run_group_tests(tests, make_image, packed_end);
}
