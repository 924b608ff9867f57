/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates come from the openssl command, as an operator would make them. */
#include "intake/tls_identity.h"

#include "intake/diagnostics.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof command - 1);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

/* The options of openssl genpkey for each kind of key that a certificate may have. */
static const char *const KINDS[] = {
    "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
    "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
    "-algorithm ED25519",
};

enum { RSA = 0, EC = 2, KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

struct pair {
    const char *cert;
    const char *key;
};

static struct pair make_pair(void **state, const char *name, const char *kind)
{
    char cert[32], key[32];
    snprintf(cert, sizeof cert, "%s.crt", name);
    snprintf(key, sizeof key, "%s.key", name);
    struct pair pair = {scratch_path(state, cert), scratch_path(state, key)};
    run("openssl genpkey %s -out %s 2>/dev/null", kind, pair.key);
    run("openssl req -x509 -key %s -out %s -subj /CN=%s -days 1 2>/dev/null", pair.key, pair.cert,
        name);
    return pair;
}

static void assert_good(const char *cert, const char *key)
{
    struct diagnostics diagnostics = {0};
    struct tls_identity *identity = tls_identity_load(cert, key, &diagnostics);
    if (!identity)
        fail_msg("%s", diagnostics.count ? diagnostics.lines[0] : "no problem is told");
    assert_int_equal(diagnostics.count, 0);
    tls_identity_free(identity);
}

/* The problem of one file, up to the library's text. */
struct problem {
    const char *file;
    const char *text;
};

static void assert_bad(const char *cert, const char *key, const struct problem *expected,
                       size_t count)
{
    struct diagnostics diagnostics = {0};
    assert_null(tls_identity_load(cert, key, &diagnostics));
    for (size_t i = 0; i < diagnostics.count && i < count; i++) {
        char line[512];
        snprintf(line, sizeof line, "%s: %s", expected[i].file, expected[i].text);
        if (strncmp(diagnostics.lines[i], line, strlen(line)) != 0)
            fail_msg("\"%s\" is not \"%s\"", diagnostics.lines[i], line);
    }
    assert_int_equal(diagnostics.count, count);
    diagnostics_free(&diagnostics);
}

static void assert_one_bad(const char *cert, const char *key, const char *file, const char *text)
{
    assert_bad(cert, key, &(struct problem){file, text}, 1);
}

static const char NO_CERT[] = "tls_cert_file: no certificate could be read: ";
static const char NO_KEY[] = "tls_key_file: no private key could be read: ";
static const char STRANGERS[] = "tls_key_file: this key does not belong to the certificate";

static void certificate_and_key_of_any_kind_are_read(void **state)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct pair pair = make_pair(state, "pair", KINDS[i]);
        assert_good(pair.cert, pair.key);
    }
}

static void key_in_older_formats_is_read(void **state)
{
    struct pair rsa = make_pair(state, "rsa", KINDS[RSA]);
    struct pair ec = make_pair(state, "ec", KINDS[EC]);
    const char *old = scratch_path(state, "old.key");
    run("openssl rsa -traditional -in %s -out %s 2>/dev/null", rsa.key, old);
    assert_good(rsa.cert, old);
    /* with a block of EC PARAMETERS before it */
    run("{ openssl ecparam -name prime256v1; openssl ec -in %s; } >%s 2>/dev/null", ec.key, old);
    assert_good(ec.cert, old);
}

static void chain_and_key_in_one_file_are_read(void **state)
{
    struct pair leaf = make_pair(state, "leaf", KINDS[EC]);
    struct pair issuer = make_pair(state, "issuer", KINDS[RSA]);
    const char *both = scratch_path(state, "both.pem");
    run("cat %s %s >%s", leaf.cert, issuer.cert, both);
    assert_good(both, leaf.key);
    assert_one_bad(both, issuer.key, issuer.key, STRANGERS); /* it is the first that counts */
    run("cat %s %s >%s", leaf.key, leaf.cert, both);
    assert_good(both, both);
}

static void chain_has_a_maximum(void **state)
{
    struct pair pair = make_pair(state, "pair", KINDS[EC]);
    const char *chain = scratch_path(state, "chain.pem");
    run("for i in $(seq 16); do cat %s; done >%s", pair.cert, chain);
    assert_good(chain, pair.key);
    run("cat %s >>%s", pair.cert, chain);
    assert_one_bad(chain, pair.key, chain,
                   "tls_cert_file: no certificate could be read: too many certificates");
}

static void key_of_another_certificate_is_refused(void **state)
{
    struct pair pairs[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        char name[8];
        snprintf(name, sizeof name, "%zu", i);
        pairs[i] = make_pair(state, name, KINDS[i]);
    }
    struct pair other = make_pair(state, "other", KINDS[EC]);
    assert_one_bad(pairs[EC].cert, other.key, other.key, STRANGERS);
    for (size_t i = 0; i < KIND_COUNT; i++)
        for (size_t j = 0; j < KIND_COUNT; j++)
            if (i != j)
                assert_one_bad(pairs[i].cert, pairs[j].key, pairs[j].key, STRANGERS);
}

static void files_with_other_contents_are_refused(void **state)
{
    struct pair pair = make_pair(state, "pair", KINDS[EC]);
    static const char *const contents[] = {
        "",
        "garbage\n",
        "-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nZ2FyYmFnZQ==\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nthis is not base64",
    };
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        const char *file = scratch_file(state, "strange.pem", contents[i]);
        assert_one_bad(file, pair.key, file, NO_CERT);
        assert_one_bad(pair.cert, file, file, NO_KEY);
    }
    assert_one_bad(pair.key, pair.key, pair.key, NO_CERT);
    assert_one_bad(pair.cert, pair.cert, pair.cert, NO_KEY);
}

static void key_with_a_passphrase_is_refused(void **state)
{
    struct pair pair = make_pair(state, "pair", KINDS[EC]);
    const char *locked = scratch_path(state, "locked.key");
    run("openssl pkcs8 -topk8 -in %s -passout pass:secret -out %s 2>/dev/null", pair.key, locked);
    assert_one_bad(
        pair.cert, locked, locked,
        "tls_key_file: no private key could be read: it needs a passphrase; use a key without one");
}

static void absent_files_are_reported(void **state)
{
    struct pair pair = make_pair(state, "pair", KINDS[EC]);
    const char *none = scratch_path(state, "none");
    const char *dir = scratch_dir(state, "directory");
    assert_one_bad(none, pair.key, none,
                   "tls_cert_file: no certificate could be read: No such file or directory");
    assert_one_bad(pair.cert, none, none,
                   "tls_key_file: no private key could be read: No such file or directory");
    assert_one_bad(dir, pair.key, dir,
                   "tls_cert_file: no certificate could be read: Is a directory");
}

static void each_file_has_its_own_problem(void **state)
{
    const char *garbage = scratch_file(state, "garbage", "garbage\n");
    const char *none = scratch_path(state, "none");
    assert_bad(garbage, none, (const struct problem[]){{garbage, NO_CERT}, {none, NO_KEY}}, 2);
}

static void tls_identity_free_accepts_null(void **state)
{
    (void)state;
    tls_identity_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(certificate_and_key_of_any_kind_are_read),
        TEST(key_in_older_formats_is_read),
        TEST(chain_and_key_in_one_file_are_read),
        TEST(chain_has_a_maximum),
        TEST(key_of_another_certificate_is_refused),
        TEST(files_with_other_contents_are_refused),
        TEST(key_with_a_passphrase_is_refused),
        TEST(absent_files_are_reported),
        TEST(each_file_has_its_own_problem),
        TEST(tls_identity_free_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
