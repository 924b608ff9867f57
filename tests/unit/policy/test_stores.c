/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/policies.h"

#define ANY "default: {store: test}\n"

/* The text with each $ replaced by a file that has a key. */
static const char *with_keys(void **state, const char *text)
{
    static struct buffer whole;
    const char *key = scratch_file(state, "key", "sesame\n");
    buffer_free(&whole);
    buffer_init(&whole, 4096);
    for (const char *c = text; *c; c++)
        assert_true(*c == '$' ? buffer_append(&whole, key, strlen(key))
                              : buffer_append(&whole, c, 1));
    return buffer_text(&whole);
}

static void every_fact_finds_its_place(void **state)
{
    struct policy *policy =
        good_policy(state, with_keys(state, ANY "stores:\n"
                                                "  test:\n"
                                                "    s3:\n"
                                                "      endpoint: https://s3.example.org:8443/\n"
                                                "      bucket: glance-storage\n"
                                                "      region: eu-1\n"
                                                "      access_key_file: $\n"
                                                "      secret_key_file: $\n"
                                                "    capacity: 10TiB\n"
                                                "  gold:\n"
                                                "    s3: {endpoint: 'http://[::1]', bucket: B.1_2, "
                                                "access_key_file: $, secret_key_file: $}\n"));
    const struct policy_store *store = policy_store(policy, "test");
    assert_non_null(store);
    assert_string_equal(store->name, "test");
    assert_true(store->has_s3);
    assert_string_equal(store->s3.endpoint, "https://s3.example.org:8443");
    assert_string_equal(store->s3.bucket, "glance-storage");
    assert_string_equal(store->s3.region, "eu-1");
    assert_string_equal(store->s3.access_key_file, scratch_path(state, "key"));
    assert_string_equal(store->s3.secret_key_file, scratch_path(state, "key"));
    assert_int_equal(store->capacity, UINT64_C(10) << 40);
    store = policy_store(policy, "gold");
    assert_non_null(store);
    assert_string_equal(store->s3.region, "default");
    assert_int_equal(store->capacity, UINT64_MAX);
    assert_null(policy_store(policy, "file"));
    policy_free(policy);
}

static void facts_may_be_omitted(void **state)
{
    static const char *const strings[] = {ANY, ANY "stores:\n", ANY "stores: {}\n",
                                          ("stores: {}\n" ANY)};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct policy *policy = good_policy(state, strings[i]);
        assert_null(policy_store(policy, "test"));
        policy_free(policy);
    }
}

/* The store's rule where it has one, else the one of [upload]. */
static void a_store_may_treat_unknown_lengths_its_own_way(void **state)
{
    static const struct {
        const char *store, *whose;
        enum unknown_length rule;
    } rows[] = {
        {"file", "file", UNKNOWN_LENGTH_STREAM}, {"gold", "gold", UNKNOWN_LENGTH_REJECT},
        {"disk", "disk", UNKNOWN_LENGTH_SPOOL},  {"test", NULL, UNKNOWN_LENGTH_REJECT},
        {"none", NULL, UNKNOWN_LENGTH_REJECT},   {NULL, NULL, UNKNOWN_LENGTH_REJECT},
    };
    struct policy *policy =
        good_policy(state, with_keys(state, ANY "stores:\n"
                                                "  test: {s3: {endpoint: 'http://s3', bucket: b, "
                                                "access_key_file: $, secret_key_file: $}}\n"
                                                "  file: {unknown_length: stream}\n"
                                                "  gold: {unknown_length: reject}\n"
                                                "  disk: {unknown_length: spool}\n"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy_length length =
            policy_unknown_length(policy, rows[i].store, UNKNOWN_LENGTH_REJECT);
        assert_int_equal(length.rule, rows[i].rule);
        assert_true((length.store != NULL) == (rows[i].whose != NULL));
        if (length.store)
            assert_string_equal(length.store, rows[i].whose);
    }
    assert_string_equal(policy_spooling_store(policy), "disk");
    policy_free(policy);
    policy = good_policy(state, ANY "stores: {file: {unknown_length: stream}}\n");
    assert_null(policy_spooling_store(policy));
    assert_false(policy_store(policy, "file")->has_s3);
    policy_free(policy);
}

#define S3_BUT_ENDPOINT "bucket: b, access_key_file: $, secret_key_file: $"
#define S3_BUT_BUCKET   "endpoint: 'http://s3', access_key_file: $, secret_key_file: $"
#define S3              S3_BUT_BUCKET ", bucket: b"
#define STORE(s3)       ANY "stores:\n  test:\n    s3: {" s3 "}\n"

static void mistakes_are_reported_with_their_line(void **state)
{
    static const char *const rows[][2] = {
        {ANY "stores: [test]\n", ":2: stores must be names, each with what is known of it"},
        {ANY "stores:\n  test:\n", ":3: a store must be keys and values"},
        {ANY "stores:\n  test: {}\n", ":3: a store needs s3 or unknown_length"},
        {ANY "stores:\n  test: {capacity: 1GiB}\n",
         ":3: capacity needs s3: only a bucket tells how much it holds already"},
        {ANY "stores:\n  test: {capacity: 1GiB, unknown_length: stream}\n",
         ":3: capacity needs s3: only a bucket tells how much it holds already"},
        {ANY "stores:\n  test: {unknown_length: streem}\n",
         ":3: unknown_length 'streem' is not spool, stream or reject: did you mean stream?"},
        {ANY "stores:\n  test: {unknown_length: [spool]}\n",
         ":3: unknown_length must be a single text"},
        {ANY "stores:\n  test: {capacty: 1GiB, s3: {" S3 "}}\n",
         ":3: a store has no 'capacty': did you mean capacity?"},
        {STORE(S3) "    capacity: much\n",
         ":5: capacity 'much' is not a size: a whole number and B, KiB, MiB, GiB or TiB, such as "
         "10GiB"},
        {STORE(S3) "    capacity: 0\n", ":5: capacity 0 would accept nothing; to refuse, use deny"},
        {STORE(S3) "  test: {s3: {" S3 "}}\n", ":5: stores has 'test' already"},
        {ANY "stores:\n  os_glance_tasks_store: {s3: {" S3 "}}\n",
         ":3: store 'os_glance_tasks_store' is Glance's own: images do not belong there"},
        {ANY "stores:\n  a b: {s3: {" S3 "}}\n",
         ":3: store 'a b' must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"},
        {ANY "stores:\n  [test]: {s3: {" S3 "}}\n", ":3: a store's name must be a single text"},
        {STORE(S3 ", key: x"), ":4: s3 has no 'key'"},
        {STORE(S3 ", region: a:b"),
         ":4: region 'a:b' must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"},
        {STORE(S3_BUT_ENDPOINT ", endpoint: s3"),
         ":4: endpoint 's3' is not a URL beginning with http:// or https://"},
        {STORE(S3_BUT_ENDPOINT ", endpoint: 'http://s3/b'"),
         ":4: endpoint 'http://s3/b' has more than a scheme, a host and a port"},
        {STORE(S3_BUT_ENDPOINT ", endpoint: 'http://me:sesame@s3'"),
         ":4: endpoint '...' has no port from 1 to 65535 behind its colon"},
        {STORE(S3_BUT_BUCKET ", bucket: a/b"), ":4: bucket 'a/b' is not the name of one"},
        {STORE(S3_BUT_BUCKET ", bucket: '..'"), ":4: bucket '..' is not the name of one"},
        {STORE(S3_BUT_BUCKET ", bucket: -b"), ":4: bucket '-b' is not the name of one"},
        {STORE("endpoint: 'http://s3', bucket: b, secret_key_file: $, access_key_file: /none"),
         ":4: access_key_file /none cannot be read: No such file or directory"},
        {STORE("endpoint: 'http://s3', bucket: b, access_key_file: $, secret_key_file: /"),
         ":4: secret_key_file / cannot be read: not a file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad_policy(state, with_keys(state, rows[i][0]), (const char *[]){rows[i][1], NULL});
    bad_policy(state, STORE(""),
               (const char *[]){":4: s3 needs endpoint", ":4: s3 needs bucket",
                                ":4: s3 needs access_key_file", ":4: s3 needs secret_key_file",
                                NULL});
}

static void facts_need_an_available_store(void **state)
{
    static const char *const strings[] = {
        "default: {store: test, mode: force}\n", "default: {store: other, allow: [other, test]}\n",
        "default: {store: other}\n", /* and a client may ask for any */
    };
    char text[1024];
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        snprintf(text, sizeof text, "%sstores: {test: {s3: {" S3 "}}}\n", strings[i]);
        policy_free(good_policy(state, with_keys(state, text)));
    }
    bad_policy(state,
               with_keys(state, "rules: [{name: a, deny: no}]\n"
                                "default: {store: other, allow: [other, tests]}\n"
                                "stores: {test: {s3: {" S3 "}}}\n"),
               (const char *[]){":3: stores: no rule leads to 'test'", NULL});
}

static void stores_have_a_maximum(void **state)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    assert_true(buffer_print(&text, ANY "stores:\n"));
    for (int i = 0; i < POLICY_STORES_MAX + 2; i++)
        assert_true(buffer_print(&text,
                                 "  s%d: {s3: {endpoint: 'http://s3', bucket: b, access_key_file: "
                                 "%s, secret_key_file: %s}}\n",
                                 i, scratch_file(state, "key", "k"), scratch_path(state, "key")));
    bad_policy(state, buffer_text(&text), (const char *[]){":259: one store too many", NULL});
    buffer_free(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(every_fact_finds_its_place),
        TEST(facts_may_be_omitted),
        TEST(a_store_may_treat_unknown_lengths_its_own_way),
        TEST(mistakes_are_reported_with_their_line),
        TEST(facts_need_an_available_store),
        TEST(stores_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
