/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/digest.h"

#include "intake/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "feeder.h"

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

static void assert_hashed(struct body *body, const char *expected)
{
    unsigned char sha512[DIGEST_MAX_BYTES];
    char hex[2 * sizeof sha512 + 1];
    size_t size;
    assert_true(digests_get(body_digests(body), "sha512", sha512, &size));
    digest_hex(sha512, size, hex);
    assert_string_equal(hex, expected);
}

static void attempt(struct split split, const void *context)
{
    const struct vector *vector = context;
    size_t length = strlen(vector->text);
    struct feeder feeder = feeder_of(vector->text, length);
    feeder.split = split;
    feeder.waits = true;
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = {body_alone(&filter_digest, &plan), &feeder, vector->text, length, 0, 0};
    assert_int_equal(pump_all(&pump), BODY_END);
    assert_int_equal(pump.given, length);
    assert_hashed(pump.body, vector->sha512);
    body_done(pump.body);
}

static void cut_in_any_way_it_is_sha512(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++)
        splits_each(strlen(VECTORS[i].text), attempt, &VECTORS[i]);
}

static void what_is_lost_was_not_counted(void **state)
{
    (void)state;
    struct feeder feeder = feeder_of("abc", 3);
    feeder.breaks = true;
    const struct body_plan plan = plan_of(&feeder);
    struct pump pump = {body_alone(&filter_digest, &plan), &feeder, "abc", 3, 0, 0};
    assert_int_equal(pump_all(&pump), BODY_LOST);
    assert_int_equal(pump.given, 3);
    assert_hashed(pump.body, VECTORS[1].sha512);
    body_done(pump.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        YARD_TEST(cut_in_any_way_it_is_sha512),
        YARD_TEST(what_is_lost_was_not_counted),
    };
    return cmocka_run_group_tests(tests, yard_begin, yard_end);
}
