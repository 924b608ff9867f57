/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* NIST's examples for "abc" and the empty message, and those of RFC 1321 and RFC 7693. */
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
    {"SHA1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    /* by the names of Python's hashlib */
    {"sha3_256", "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    {"blake2b", "abc",
     "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
     "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
    {"blake2s", "abc", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"},
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

static void digest_vectors_match_however_split(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof VECTORS / sizeof *VECTORS; row++)
        for (size_t at = 0; at <= strlen(VECTORS[row].message); at++)
            check_split(row, at);
}

static void unknown_algorithm_is_refused(void **state)
{
    (void)state;
    assert_null(digest_new("sha513"));
    assert_null(digest_new(""));
    assert_null(digest_new("an-algorithm-with-a-name-of-40-characters"));
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

static void base64_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BASE64 / sizeof *BASE64; i++) {
        char text[16];
        digest_base64((const unsigned char *)BASE64[i][0], strlen(BASE64[i][0]), text);
        assert_string_equal(text, BASE64[i][1]);
    }
}

/* Both ways, whole and without the padding. */
static void base64_is_read(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof BASE64 / sizeof *BASE64; i++) {
        const char *bytes = BASE64[i][0];
        const char *text = BASE64[i][1];
        unsigned char out[DIGEST_MAX_BYTES];
        assert_int_equal(digest_from_base64(text, strlen(text), out), strlen(bytes));
        assert_memory_equal(out, bytes, strlen(bytes));
        memset(out, 0, sizeof out);
        assert_int_equal(digest_from_base64(text, strcspn(text, "="), out), strlen(bytes));
        assert_memory_equal(out, bytes, strlen(bytes));
    }
}

static void invalid_base64_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",           "Z",     "Zg=",   "Zg===", "Zm9v=",   "Zm9v====",     "Zm9vY",
        "=",          "====",  "Zm9v ", " Zm9",  "Zm9v\n",  "Zm-_",         "Z=9v",
        "Zm9vYg==Zg", "Zm9v-", "Zm9*",  "Zm:v",  "\xc3m9v", "Zg==\r\n\r\n", "Zm9v\t\t\t\t",
    };
    unsigned char out[DIGEST_MAX_BYTES];
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        if (digest_from_base64(BAD[i], strlen(BAD[i]), out))
            fail_msg("%s", BAD[i]);
    assert_int_equal(digest_from_base64("Zm9v\0Zm9", 8, out), 0);
}

static void hex_is_read(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "a", "abc", "0x", "g0", "ab:cd", "ab cd ", "+1"};
    unsigned char out[DIGEST_MAX_BYTES];
    assert_int_equal(digest_from_hex("00fFAb", 6, out), 3);
    assert_memory_equal(out, "\x00\xff\xab", 3);
    assert_int_equal(digest_from_hex("00fFAb", 4, out), 2);
    assert_int_equal(digest_from_hex("00\0"
                                     "000",
                                     6, out),
                     0);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        if (digest_from_hex(BAD[i], strlen(BAD[i]), out))
            fail_msg("%s", BAD[i]);
}

/* As many bytes as a digest may have, and not one more. */
static void longest_digest_fits(void **state)
{
    (void)state;
    enum { LONGER = DIGEST_MAX_BYTES + 1 };
    unsigned char bytes[LONGER];
    unsigned char out[DIGEST_MAX_BYTES];
    char text[4 * LONGER];
    memset(bytes, 0xA5, sizeof bytes);
    for (size_t count = DIGEST_MAX_BYTES - 2; count <= LONGER; count++) {
        size_t found = count == LONGER ? 0 : count;
        digest_base64(bytes, count, text);
        assert_int_equal(digest_from_base64(text, strlen(text), out), found);
        assert_memory_equal(out, bytes, found);
        digest_hex(bytes, count, text);
        assert_int_equal(digest_from_hex(text, strlen(text), out), found);
        assert_memory_equal(out, bytes, found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_vectors_match_however_split),
        cmocka_unit_test(unknown_algorithm_is_refused),
        cmocka_unit_test(base64_is_written),
        cmocka_unit_test(base64_is_read),
        cmocka_unit_test(invalid_base64_is_refused),
        cmocka_unit_test(hex_is_read),
        cmocka_unit_test(longest_digest_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
