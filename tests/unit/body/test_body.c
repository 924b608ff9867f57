/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"

#include "intake/digest.h"
#include "support/splits.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LENGTH_MAX = 5000 };

static const uint64_t NONE = UINT64_MAX;

/* A body of `length` bytes: a pattern with every byte in it, or only 'a', as curl -d would leave
 * it. With a refusal, it is the piece with byte number `refused_at` (from 1) that gets it. */
struct vector {
    size_t length;
    bool only_a;
    struct body_limits limits;
    enum refusal refusal;
    size_t refused_at;
};

static const struct vector VECTORS[] = {
    {0, false, {NONE, NONE}, REFUSAL_NONE, 0},
    {0, false, {0, 0}, REFUSAL_NONE, 0},
    {1, false, {0, NONE}, REFUSAL_TOO_LARGE, 1},
    {1, false, {NONE, 0}, REFUSAL_LENGTH_REQUIRED, 1},
    {700, false, {700, NONE}, REFUSAL_NONE, 0},
    {700, false, {699, NONE}, REFUSAL_TOO_LARGE, 700},
    {700, false, {NONE, 700}, REFUSAL_NONE, 0},
    {700, false, {NONE, 699}, REFUSAL_LENGTH_REQUIRED, 700},
    {700, false, {500, 500}, REFUSAL_TOO_LARGE, 501},
    {4095, true, {NONE, NONE}, REFUSAL_NONE, 0},
    {4096, true, {NONE, NONE}, REFUSAL_DAMAGED_BODY, 4096},
    {LENGTH_MAX, true, {NONE, NONE}, REFUSAL_DAMAGED_BODY, 4096},
    {LENGTH_MAX, true, {4095, NONE}, REFUSAL_TOO_LARGE, 4096},
    {LENGTH_MAX, true, {NONE, 4095}, REFUSAL_LENGTH_REQUIRED, 4096},
    {LENGTH_MAX, false, {NONE, NONE}, REFUSAL_NONE, 0},
};

static void fill(unsigned char *bytes, const struct vector *vector)
{
    for (size_t i = 0; i < vector->length; i++)
        bytes[i] = (unsigned char)(vector->only_a ? 'a' : i * 7);
}

static struct body *begin(struct body_limits limits)
{
    struct body *body = body_new(&limits);
    assert_non_null(body);
    return body;
}

/* What was counted and hashed is what passed. */
static void assert_passed(struct body *body, const unsigned char *bytes, size_t count)
{
    unsigned char expected[SHA512_DIGEST_LENGTH], sha512[64];
    assert_int_equal(body_count(body), count);
    assert_true(body_sha512(body, sha512));
    assert_memory_equal(sha512, SHA512(bytes, count, expected), sizeof sha512);
}

static void attempt(struct split split, const void *context)
{
    const struct vector *vector = context;
    unsigned char bytes[LENGTH_MAX];
    fill(bytes, vector);
    struct body *body = begin(vector->limits);
    size_t passed = 0;
    for (size_t at = 0; at < vector->length;) {
        size_t piece = split_piece(split, at, vector->length);
        enum refusal told = body_pass(body, bytes + at, piece);
        at += piece;
        bool refused = vector->refusal && at >= vector->refused_at;
        if (told != (refused ? vector->refusal : REFUSAL_NONE))
            fail_msg("vector %td, split {%zu, %zu}: refusal %d at byte %zu", vector - VECTORS,
                     split.first, split.rest, (int)told, at);
        if (!refused)
            passed = at;
    }
    assert_passed(body, bytes, passed);
    body_free(body);
}

static void cut_in_any_way_a_body_is_judged_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++)
        splits_each(VECTORS[i].length, attempt, &VECTORS[i]);
}

static void the_first_refusal_stays(void **state)
{
    (void)state;
    struct body *body = begin((struct body_limits){.max_size = 4, .size_ceiling = 2});
    assert_int_equal(body_pass(body, "ab", 2), REFUSAL_NONE);
    assert_int_equal(body_pass(body, "c", 1), REFUSAL_LENGTH_REQUIRED);
    assert_int_equal(body_pass(body, "", 0), REFUSAL_LENGTH_REQUIRED);
    assert_int_equal(body_pass(body, "cdefgh", 6), REFUSAL_LENGTH_REQUIRED);
    assert_passed(body, (const unsigned char *)"ab", 2);
    body_free(body);
}

/* No sum may wrap around. */
static void the_largest_piece_is_only_too_large(void **state)
{
    (void)state;
    struct body *body = begin((struct body_limits){.max_size = NONE - 1, .size_ceiling = NONE});
    assert_int_equal(body_pass(body, "abc", 3), REFUSAL_NONE);
    assert_int_equal(body_pass(body, "abc", SIZE_MAX), REFUSAL_TOO_LARGE);
    assert_passed(body, (const unsigned char *)"abc", 3);
    body_free(body);
}

/* From FIPS 180-4's examples. */
static void the_digest_is_sha512(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *sha512;
    } rows[] = {
        {"", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
             "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
        {"abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
         "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
         "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct body *body = begin((struct body_limits){NONE, NONE});
        assert_int_equal(body_pass(body, rows[i].text, strlen(rows[i].text)), REFUSAL_NONE);
        unsigned char sha512[64];
        char hex[2 * sizeof sha512 + 1];
        assert_true(body_sha512(body, sha512));
        digest_hex(sha512, sizeof sha512, hex);
        assert_string_equal(hex, rows[i].sha512);
        body_free(body);
    }
}

static void nothing_is_freed_without_harm(void **state)
{
    (void)state;
    body_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_in_any_way_a_body_is_judged_alike),
        cmocka_unit_test(the_first_refusal_stays),
        cmocka_unit_test(the_largest_piece_is_only_too_large),
        cmocka_unit_test(the_digest_is_sha512),
        cmocka_unit_test(nothing_is_freed_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
