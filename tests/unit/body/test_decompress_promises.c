/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and digests that are promised for a compressed image. */
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "packed_image.h"
#include "promising.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(promised_size_is_that_of_either),
        ENV_TEST(promised_digests_cover_what_each_is_of),
    };
    return cmocka_run_group_tests(tests, make_image, packed_end);
}
