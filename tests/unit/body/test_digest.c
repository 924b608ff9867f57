/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "promising.h"
#include "pump.h"

static void assert_hashed(struct body *body, const char *algorithm, const char *expected)
{
    unsigned char digest[DIGEST_MAX_BYTES];
    char hex[2 * sizeof digest + 1];
    size_t size;
    assert_true(digests_get(body_digests(body), algorithm, digest, &size));
    digest_hex(digest, size, hex);
    assert_string_equal(hex, expected);
}

/* --- what it computes ------------------------------------------------------------------ */

/* From FIPS 180-4's examples. */
static const struct vector {
    const char *text;
    const char *sha512;
} VECTORS[] = {
    {"", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
         "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
    {"abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
};

static void attempt(struct split split, const void *context)
{
    const struct vector *vector = context;
    size_t length = strlen(vector->text);
    struct feeder feeder = feeder_of(vector->text, length);
    feeder.split = split;
    feeder.waits = true;
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = {body_alone(&filter_digest, &plan), &feeder, vector->text, length, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, length);
    assert_hashed(pump.body, "sha512", vector->sha512);
    body_done(pump.body);
}

static void sha512_is_computed_however_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++)
        splits_each(strlen(VECTORS[i].text), attempt, &VECTORS[i]);
}

static void lost_body_is_hashed_up_to_its_break(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of("abc", 3);
    feeder.breaks = true;
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = {body_alone(&filter_digest, &plan), &feeder, "abc", 3, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_LOST);
    assert_int_equal(pump.given, 3);
    assert_hashed(pump.body, "sha512", VECTORS[1].sha512);
    body_done(pump.body);
}

/* --- which ones ------------------------------------------------------------------------ */

/* Digests of "abc": the examples of FIPS 180-4 and RFC 1321. */
static const struct {
    const char *algorithm;
    const char *hex;
} OF_ABC[] = {
    {"sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"sha384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
               "8086072ba1e7cc2358baeca134c825a7"},
    {"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"md5", "900150983cd24fb0d6963f7d28e17f72"},
};

/* Every algorithm that is in `set` was computed, and no other was. */
static void assert_set(struct body *body, const char *set)
{
    for (size_t i = 0; i < sizeof OF_ABC / sizeof OF_ABC[0]; i++) {
        unsigned char digest[DIGEST_MAX_BYTES];
        size_t size;
        bool there = digests_get(body_digests(body), OF_ABC[i].algorithm, digest, &size);
        if (there != (strstr(set, OF_ABC[i].algorithm) != NULL))
            fail_msg("\"%s\", and %s: %d", set, OF_ABC[i].algorithm, there);
        if (there)
            assert_hashed(body, OF_ABC[i].algorithm, OF_ABC[i].hex);
    }
}

static void only_the_requested_digests_are_computed(void **state)
{
    (void)state;
    static const struct {
        enum verify_mode verify;
        const char *glance_hash;
        const char *promised, *image_promised; /* an algorithm */
        const char *set;
    } rows[] = {
        {VERIFY_DIGEST, "", NULL, NULL, "sha512 md5"},
        {VERIFY_DIGEST, NULL, NULL, NULL, "sha512 md5"},
        {VERIFY_DIGEST, "sha512", NULL, NULL, "sha512"},
        {VERIFY_DIGEST, "sha384", NULL, NULL, "sha512 sha384"},
        {VERIFY_DIGEST, "md5", NULL, NULL, "sha512 md5"},
        {VERIFY_DIGEST, "whirlpool-of-ours", NULL, NULL, "sha512 md5"},
        {VERIFY_DIGEST, "sha384", "sha1", "sha256", "sha512 sha384 sha1 sha256"},
        {VERIFY_DIGEST, "sha512", "md5", "md5", "sha512 md5"},
        {VERIFY_SIZE, "sha384", NULL, NULL, ""},
        {VERIFY_SIZE, "sha384", "sha256", NULL, "sha256"},
        {VERIFY_SIZE, "", NULL, "md5", "md5"},
        {VERIFY_OFF, "", NULL, NULL, ""},
        {VERIFY_OFF, "", "sha512", "sha256", "sha512 sha256"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct promises promises = {0}, image_promises = {0};
        struct feeder feeder = feeder_of("abc", 3);
        struct body_plan plan = plan_of(&feeder);
        if (rows[i].promised)
            promise_add(&promises, "Repr-Digest", rows[i].promised, "abc", 3);
        if (rows[i].image_promised)
            promise_add(&image_promises, "hash", rows[i].image_promised, "abc", 3);
        plan.promises = &promises;
        plan.image_promises = &image_promises;
        plan.glance_hash = rows[i].glance_hash;
        env.settings.upload.verify = rows[i].verify;
        struct pump pump = {body_alone(&filter_digest, &plan), &feeder, "abc", 3, 0, 0};
        assert_int_equal(pump_all(&pump), STREAM_END);
        assert_set(pump.body, rows[i].set);
        body_done(pump.body);
    }
}

/* --- beside the loop -------------------------------------------------------------------- */

enum { LARGE = 2500 * 1000 };

/* The whole chain, with hashing threads. Before its end it emits all but the last byte. */
static void give_large(char *image, bool waits, bool broken)
{
    struct promises promises = {0};
    struct feeder feeder = feeder_of(image, LARGE);
    feeder.split = (struct split){100 * 1000, 700 * 1000};
    feeder.waits = waits;
    struct body_plan plan = plan_of(&feeder);
    promise_add(&promises, "Repr-Digest", "sha256", image, LARGE);
    if (broken)
        promise_break(&promises.rows[0]);
    plan.length_known = true;
    plan.length = LARGE;
    plan.promises = &promises;
    plan.digest_threads = env.thread_pool;
    struct pump pump = {body_of(&plan), &feeder, image, LARGE, 512 * 1024, 0};
    assert_int_equal(pump_all(&pump), broken ? STREAM_REFUSED : STREAM_END);
    assert_int_equal(pump.given, broken ? LARGE - 1 : LARGE);
    if (broken)
        assert_mismatch(pump.body, "Repr-Digest promises another sha256 than the data has");
    body_done(pump.body);
}

static void body_end_waits_for_the_hashing_threads(void **state)
{
    (void)state;
    char *image = calloc(LARGE, 1);
    assert_non_null(image);
    for (int i = 0; i < 4; i++)
        give_large(image, i % 2, i / 2);
    free(image);
}

/* When a client leaves, nothing remains and nobody is woken. */
static void body_can_end_during_hashing(void **state)
{
    (void)state;
    char *image = calloc(LARGE, 1);
    char *into = malloc(LARGE);
    assert_non_null(image);
    assert_non_null(into);
    struct feeder feeder = feeder_of(image, LARGE);
    struct body_plan plan = plan_of(&feeder);
    plan.length_known = true;
    plan.length = LARGE;
    plan.digest_threads = env.thread_pool;
    struct body *body = body_of(&plan);
    assert_int_equal(body_prepare(body), 1);
    ssize_t got;
    while ((got = body_read(body, into, LARGE)) > 0)
        continue;
    assert_int_equal(got, STREAM_WAIT);
    body_done(body);
    assert_false(feeder.woken);
    free(into);
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(sha512_is_computed_however_split),
        ENV_TEST(lost_body_is_hashed_up_to_its_break),
        ENV_TEST(only_the_requested_digests_are_computed),
        ENV_TEST(body_end_waits_for_the_hashing_threads),
        ENV_TEST(body_can_end_during_hashing),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
