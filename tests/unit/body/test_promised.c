/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison, and its effect on an upload in each way of sending. */
#include "intake/promises.h"

#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "promising.h"
#include "pump.h"
#include "uploads.h"

/* --- the comparison alone -------------------------------------------------------------- */

static void every_promised_digest_is_computed(void **state)
{
    (void)state;
    struct promises promises = {0};
    struct digests *set = digests_new();
    unsigned char digest[DIGEST_MAX_BYTES];
    size_t size;
    assert_non_null(set);
    promise_add(&promises, "Repr-Digest", "sha256", "abc", 3);
    promise_add(&promises, "Content-MD5", "md5", "abc", 3);
    promise_add(&promises, "Digest", "md5", "abc", 3);
    assert_true(promised_add(NULL, set));
    assert_true(promised_add(&promises, set));
    digests_update(set, "abc", 3);
    assert_true(digests_get(set, "sha256", digest, &size));
    assert_memory_equal(digest, promises.rows[0].value, size);
    assert_true(digests_get(set, "md5", digest, &size));
    assert_memory_equal(digest, promises.rows[1].value, size);
    assert_false(digests_get(set, "sha512", digest, &size));
    digests_free(set);
}

static void digest_that_cannot_be_computed_is_reported(void **state)
{
    (void)state;
    const struct promises promises = {.rows = {{"Repr-Digest", "no-such", 4, {0}}}, .count = 1};
    struct digests *set = digests_new();
    assert_non_null(set);
    assert_false(promised_add(&promises, set));
    digests_free(set);
}

/* Whether `promise` is the digest of "abc". */
static bool is_held(const struct promise *promise)
{
    const char *detail;
    const struct promises promises = {.rows = {*promise}, .count = 1};
    struct digests *set = digests_new();
    struct body body = {0};
    struct filter filter = {.body = &body};
    assert_non_null(set);
    assert_true(digests_want(set, "md5"));
    digests_update(set, "abc", 3);
    bool held = promised_check(&filter, &promises, set);
    assert_int_equal(body_refusal(&body, &detail), held ? REFUSAL_NONE : REFUSAL_DIGEST_MISMATCH);
    digests_free(set);
    return held;
}

/* No bit of it may be another, and no byte more or less. */
static void digest_must_match_in_full(void **state)
{
    (void)state;
    struct promises kept = {0};
    promise_add(&kept, "Content-MD5", "md5", "abc", 3);
    assert_true(is_held(&kept.rows[0]));
    for (size_t bit = 0; bit < 8 * kept.rows[0].size; bit++) {
        struct promise other = kept.rows[0];
        other.value[bit / 8] ^= 1 << bit % 8;
        assert_false(is_held(&other));
    }
    for (int more = -1; more <= 1; more += 2) {
        struct promise other = kept.rows[0];
        other.size += (size_t)more;
        assert_false(is_held(&other));
    }
    struct promise unasked = kept.rows[0];
    unasked.algorithm = "sha256"; /* was not computed */
    assert_false(is_held(&unasked));
}

/* --- in each of the ways an upload is sent --------------------------------------------- */

static struct promises sent, of_image;
static const char *broken; /* the text; NULL: all digests match */

/* With a known length Glance does not get the last byte; without one it does not get the end. */
static void try_promises(struct sent_upload *upload)
{
    sent = of_image = (struct promises){0};
    promise_add(&sent, "Repr-Digest", "sha512", upload->feeder.bytes, upload->feeder.count);
    promise_add(&sent, "Content-MD5", "md5", upload->feeder.bytes, upload->feeder.count);
    promise_add(&of_image, "owner_specified", "sha256", upload->image, upload->count);
    if (broken)
        promise_break(strstr(broken, "MD5")     ? &sent.rows[1]
                      : strstr(broken, "owner") ? &of_image.rows[0]
                                                : &sent.rows[0]);
    upload->plan.promises = &sent;
    upload->plan.image_promises = &of_image;
    const struct feeder whole = upload->feeder;
    for (unsigned seed = 0; seed < 4; seed++) {
        uint64_t length;
        struct feeder feeder = whole;
        feeder.random = seed;
        feeder.waits = seed % 2;
        upload->plan.context = &feeder;
        struct pump pump = {body_of(&upload->plan), &feeder, upload->image, upload->count, 0, 0};
        int end = pump_all(&pump);
        if (end != (broken ? STREAM_REFUSED : STREAM_END))
            fail_msg("%s, %zu bytes, %s: %d", upload->way->what, upload->count,
                     broken ? broken : "kept", end);
        if (broken)
            assert_mismatch(pump.body, broken);
        if (broken && body_length(pump.body, &length) && pump.given >= length)
            fail_msg("%s: the last byte was given", upload->way->what);
        assert_int_equal(body_finished(pump.body), !broken);
        body_done(pump.body);
    }
}

/* A field after the file in a form of known length is refused for that. */
static void try_unless_malformed(struct sent_upload *upload)
{
    if (!is_predicted_wrong(upload))
        try_promises(upload);
}

static void mismatching_body_never_arrives_whole(void **state)
{
    (void)state;
    static const char *const told[] = {
        NULL,
        "Repr-Digest promises another sha512 than the data has",
        "Content-MD5 promises another md5 than the data has",
        "owner_specified promises another sha256 than the data has",
    };
    static const uint64_t sizes[] = {1, 40, OPENING, OPENING + 1, OPENING + 2 * BODY_READ_MIN};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            broken = told[i];
            each_image(&(struct image){"raw", {sizes[k], {{0}}}}, try_unless_malformed);
        }
}

/* In audit mode the form is the body: nothing is known about the image in it. */
static void try_watched(struct sent_upload *upload)
{
    const struct body_note *rows;
    sent = of_image = (struct promises){0};
    promise_add(&sent, "Content-MD5", "md5", upload->feeder.bytes, upload->feeder.count);
    promise_add(&of_image, "owner_specified", "sha256", upload->image, upload->count);
    promise_break(strstr(broken, "owner") ? &of_image.rows[0] : &sent.rows[0]);
    upload->plan.promises = &sent;
    upload->plan.image_promises = &of_image;
    upload->plan.audit = true;
    struct pump pump = {
        body_of(&upload->plan), &upload->feeder, upload->feeder.bytes, upload->feeder.count, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, upload->feeder.count);
    bool is_told = !strstr(broken, "owner") || !body_wrapped(pump.body);
    assert_int_equal(body_audited(pump.body, &rows), is_told ? 1 : 0);
    if (is_told)
        assert_string_equal(rows[0].detail, broken);
    body_done(pump.body);
}

static void audited_mismatch_is_noted(void **state)
{
    (void)state;
    static const char *const words[] = {
        "Content-MD5 promises another md5 than the data has",
        "owner_specified promises another sha256 than the data has",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        broken = words[i];
        each_image(&(struct image){"raw", {OPENING + 1, {{0}}}}, try_watched);
    }
}

/* A client that declares the digest of the file in the form gets a mismatch. */
static void try_promise_of_the_file(struct sent_upload *upload)
{
    bool form = upload->way->before[0];
    sent = (struct promises){0};
    promise_add(&sent, "Repr-Digest", "sha512", upload->image, upload->count);
    upload->plan.promises = &sent;
    struct pump pump = {
        body_of(&upload->plan), &upload->feeder, upload->image, upload->count, 0, 0};
    assert_int_equal(pump_all(&pump), form ? STREAM_REFUSED : STREAM_END);
    if (form)
        assert_mismatch(pump.body, "Repr-Digest promises another sha512 than the data has");
    body_done(pump.body);
}

static void digest_is_of_the_body_as_sent(void **state)
{
    (void)state;
    each_image(&(struct image){"raw", {1000, {{0}}}}, try_promise_of_the_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(every_promised_digest_is_computed),
        ENV_TEST(digest_that_cannot_be_computed_is_reported),
        ENV_TEST(digest_must_match_in_full),
        ENV_TEST(mismatching_body_never_arrives_whole),
        ENV_TEST(audited_mismatch_is_noted),
        ENV_TEST(digest_is_of_the_body_as_sent),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
