/* SPDX-License-Identifier: Apache-2.0 */
#include "keystone/keyed_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct keyed_hash hash_of(const struct hash_key *key, const char *first, const char *second)
{
    struct keyed_hash hash;
    const char *const texts[] = {first, second};
    assert_true(keyed_hash(key, texts, 2, &hash));
    return hash;
}

static void each_process_has_a_key_of_its_own(void **state)
{
    (void)state;
    struct hash_key key, other;
    assert_true(hash_key_make(&key) && hash_key_make(&other));
    struct keyed_hash hash = hash_of(&key, "demo", "secret");
    struct keyed_hash same = hash_of(&key, "demo", "secret");
    struct keyed_hash foreign = hash_of(&other, "demo", "secret");
    assert_true(keyed_hash_equal(&hash, &same));
    assert_false(keyed_hash_equal(&hash, &foreign));
}

static void texts_do_not_run_into_each_other(void **state)
{
    (void)state;
    struct hash_key key;
    assert_true(hash_key_make(&key));
    struct keyed_hash hash = hash_of(&key, "ab", "c");
    struct keyed_hash other = hash_of(&key, "a", "bc");
    struct keyed_hash longer = hash_of(&key, "abc", "");
    assert_false(keyed_hash_equal(&hash, &other));
    assert_false(keyed_hash_equal(&hash, &longer));
}

/* The HMAC of "demo" and "secret", each with its NUL, by `openssl dgst -sha256 -mac HMAC`. */
static void it_is_hmac_sha256(void **state)
{
    (void)state;
    const struct hash_key key = {{0}};
    static const unsigned char expected[KEYED_HASH_SIZE] = {
        0x8a, 0xf7, 0xe4, 0x14, 0x1f, 0x48, 0xcf, 0xf3, 0x78, 0x7a, 0xa6,
        0x17, 0xee, 0x45, 0x3e, 0x13, 0xaf, 0x6c, 0x68, 0xff, 0xa4, 0xfd,
        0x10, 0xd0, 0xa8, 0x6e, 0x7e, 0x88, 0xa6, 0xaa, 0x69, 0xbb,
    };
    struct keyed_hash hash = hash_of(&key, "demo", "secret");
    assert_memory_equal(hash.bytes, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_process_has_a_key_of_its_own),
        cmocka_unit_test(texts_do_not_run_into_each_other),
        cmocka_unit_test(it_is_hmac_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
