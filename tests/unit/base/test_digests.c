/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/digest.h"
#include "support/splits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char MESSAGE[] = "The quick brown fox jumps over the lazy dog";

/* Digests of that message, by coreutils. */
static const struct {
    const char *algorithm;
    const char *hex;
} SUMS[] = {
    {"md5", "9e107d9d372bb6826bd81d3542a419d6"},
    {"sha1", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"},
    {"sha256", "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"},
    {"sha512", "07e547d9586f6a73f73fbac0435ed76951218fb7d0c8d788a309d785436bbb64"
               "2e93a252a954f23912547d1e8a3b5ed6e1bfd7097821233fa0538f3db854fee6"},
};

enum { SUM_COUNT = sizeof SUMS / sizeof *SUMS };

static void expect_sum(struct digests *digests, const char *algorithm, const char *expected)
{
    unsigned char sum[DIGEST_MAX_BYTES];
    char hex[2 * DIGEST_MAX_BYTES + 1];
    size_t size = 0;
    assert_true(digests_get(digests, algorithm, sum, &size));
    digest_hex(sum, size, hex);
    assert_string_equal(hex, expected);
}

static void check_split(struct split split, const void *vector)
{
    const char *message = vector;
    size_t length = strlen(message);
    struct digests *digests = digests_new();
    assert_non_null(digests);
    for (size_t i = 0; i < SUM_COUNT; i++)
        assert_true(digests_want(digests, SUMS[i].algorithm));
    for (size_t at = 0, piece; at < length; at += piece) {
        piece = split_piece(split, at, length);
        digests_update(digests, message + at, piece);
    }
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < SUM_COUNT; i++)
            expect_sum(digests, SUMS[i].algorithm, SUMS[i].hex);
    digests_free(digests);
}

static void each_digest_covers_all_bytes_and_can_be_read_twice(void **state)
{
    (void)state;
    splits_each(strlen(MESSAGE), check_split, MESSAGE);
}

static void digest_not_requested_is_absent(void **state)
{
    (void)state;
    unsigned char sum[DIGEST_MAX_BYTES];
    size_t size;
    struct digests *digests = digests_new();
    assert_non_null(digests);
    assert_false(digests_get(digests, "sha512", sum, &size));
    assert_false(digests_want(digests, "sha513"));
    assert_true(digests_want(digests, "sha512"));
    assert_false(digests_get(digests, "sha513", sum, &size));
    assert_false(digests_get(digests, "sha256", sum, &size));
    digests_free(digests);
    digests_free(NULL);
}

static void digests_have_a_maximum_of_six(void **state)
{
    (void)state;
    static const char *const six[DIGESTS_MAX] = {"md5",    "sha1",   "sha224",
                                                 "sha256", "sha384", "sha512"};
    struct digests *digests = digests_new();
    assert_non_null(digests);
    for (size_t i = 0; i < DIGESTS_MAX; i++)
        assert_true(digests_want(digests, six[i]));
    assert_false(digests_want(digests, "sha3_256"));
    assert_true(digests_want(digests, "SHA256"));
    digests_update(digests, "abc", 3);
    expect_sum(digests, "MD5", "900150983cd24fb0d6963f7d28e17f72");
    digests_free(digests);
}

/* A digest over less than all bytes would be none. */
static void digest_cannot_be_added_after_the_first_byte(void **state)
{
    (void)state;
    struct digests *digests = digests_new();
    assert_non_null(digests);
    assert_true(digests_want(digests, "md5"));
    digests_update(digests, "abc", 3);
    assert_false(digests_want(digests, "sha256"));
    assert_true(digests_want(digests, "md5"));
    digests_free(digests);
}

static void each_can_be_updated_by_itself(void **state)
{
    (void)state;
    struct digests *digests = digests_new();
    assert_non_null(digests);
    assert_null(digests_at(digests, 0));
    assert_false(digests_want(digests, "md5"));
    digests_free(digests);
    digests = digests_new();
    assert_true(digests_want(digests, "md5"));
    assert_true(digests_want(digests, "sha1"));
    digest_update(digests_at(digests, 1), "ab", 2);
    digest_update(digests_at(digests, 0), "abc", 3);
    digest_update(digests_at(digests, 1), "c", 1);
    assert_null(digests_at(digests, 2));
    assert_false(digests_want(digests, "sha256"));
    expect_sum(digests, "md5", "900150983cd24fb0d6963f7d28e17f72");
    expect_sum(digests, "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d");
    digests_free(digests);
}

static void empty_input_has_a_digest(void **state)
{
    (void)state;
    struct digests *digests = digests_new();
    assert_non_null(digests);
    assert_true(digests_want(digests, "sha256"));
    expect_sum(digests, "sha256",
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digests_free(digests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_digest_covers_all_bytes_and_can_be_read_twice),
        cmocka_unit_test(digest_not_requested_is_absent),
        cmocka_unit_test(digests_have_a_maximum_of_six),
        cmocka_unit_test(digest_cannot_be_added_after_the_first_byte),
        cmocka_unit_test(each_can_be_updated_by_itself),
        cmocka_unit_test(empty_input_has_a_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
