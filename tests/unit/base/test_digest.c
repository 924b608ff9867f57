/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* NIST's and RFC 1321's examples for "abc" and the empty message. */
static const struct {
    const char *algorithm;
    const char *message;
    const char *hex;
} VECTORS[] = {
    {"sha512", "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"md5", "abc", "900150983cd24fb0d6963f7d28e17f72"},
};

static void check_split(size_t row, size_t at)
{
    unsigned char sum[DIGEST_MAX_BYTES];
    char hex[2 * DIGEST_MAX_BYTES + 1];
    const char *message = VECTORS[row].message;
    struct digest *digest = digest_new(VECTORS[row].algorithm);
    assert_non_null(digest);
    digest_update(digest, message, at);
    digest_update(digest, message + at, strlen(message) - at);
    digest_hex(sum, digest_finish(digest, sum), hex);
    assert_string_equal(hex, VECTORS[row].hex);
    digest_free(digest);
}

static void test_vectors_split_everywhere(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof VECTORS / sizeof *VECTORS; row++)
        for (size_t at = 0; at <= strlen(VECTORS[row].message); at++)
            check_split(row, at);
}

static void test_unknown_algorithm(void **state)
{
    (void)state;
    assert_null(digest_new("sha513"));
    digest_free(NULL);
}

/* RFC 4648, section 10. */
static const char *const BASE64[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void test_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BASE64 / sizeof *BASE64; i++) {
        char text[16];
        digest_base64((const unsigned char *)BASE64[i][0], strlen(BASE64[i][0]), text);
        assert_string_equal(text, BASE64[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_split_everywhere),
        cmocka_unit_test(test_unknown_algorithm),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
