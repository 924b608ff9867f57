/* SPDX-License-Identifier: Apache-2.0 */
#include "keystone/credential.h"

#include "intake/headers.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define APPLICATION "0123456789abcdef0123456789abcdef"

static enum refusal read_with(const struct headers *headers, bool secure, const char *domain,
                              struct credential *out)
{
    const char *detail;
    const struct login_request request = {
        .headers = headers, .domain = domain, .client = "192.0.2.7", .secure = secure};
    return credential_read(&request, out, &detail);
}

static enum refusal read_value(const char *value, bool secure, const char *domain,
                               struct credential *out)
{
    struct headers headers = {0};
    assert_true(headers_add(&headers, "authorization", value));
    enum refusal refusal = read_with(&headers, secure, domain, out);
    headers_free(&headers);
    return refusal;
}

static enum refusal read_pair(const char *pair, const char *domain, struct credential *out)
{
    char value[512] = "Basic ";
    EVP_EncodeBlock((unsigned char *)value + strlen(value), (const unsigned char *)pair,
                    (int)strlen(pair));
    return read_value(value, true, domain, out);
}

static void user_domain_and_password_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *pair, *domain_option;
        enum credential_kind kind;
        const char *name, *domain, *secret;
    } rows[] = {
        {"demo:secret", NULL, CREDENTIAL_PASSWORD, "demo", "Default", "secret"},
        {"demo:a:b:c", NULL, CREDENTIAL_PASSWORD, "demo", "Default", "a:b:c"},
        {"demo@sales:secret", NULL, CREDENTIAL_PASSWORD, "demo", "sales", "secret"},
        {"demo@sales:secret", "others", CREDENTIAL_PASSWORD, "demo", "sales", "secret"},
        {"demo:secret", "others", CREDENTIAL_PASSWORD, "demo", "others", "secret"},
        {"joe@example.org@Default:p@ss", NULL, CREDENTIAL_PASSWORD, "joe@example.org", "Default",
         "p@ss"},
        {"d\xc3\xa9mo:pa\xc3\x9fwort", NULL, CREDENTIAL_PASSWORD, "d\xc3\xa9mo", "Default",
         "pa\xc3\x9fwort"},
        {APPLICATION ":secret", NULL, CREDENTIAL_APPLICATION, APPLICATION, "", "secret"},
        {APPLICATION "@Default:secret", NULL, CREDENTIAL_PASSWORD, APPLICATION, "Default",
         "secret"},
        {APPLICATION ":secret", "Default", CREDENTIAL_PASSWORD, APPLICATION, "Default", "secret"},
        {"0123456789ABCDEF0123456789abcdef:secret", NULL, CREDENTIAL_PASSWORD,
         "0123456789ABCDEF0123456789abcdef", "Default", "secret"},
        {APPLICATION "0:secret", NULL, CREDENTIAL_PASSWORD, APPLICATION "0", "Default", "secret"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct credential credential;
        assert_int_equal(read_pair(rows[i].pair, rows[i].domain_option, &credential), REFUSAL_NONE);
        assert_int_equal(credential.kind, rows[i].kind);
        assert_string_equal(credential.name, rows[i].name);
        assert_string_equal(credential.domain, rows[i].domain);
        assert_string_equal(credential.secret, rows[i].secret);
        credential_free(&credential);
    }
}

static void what_cannot_be_a_login_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pair;
        enum refusal refusal;
    } rows[] = {
        {"demo", REFUSAL_BAD_REQUEST},           {"", REFUSAL_BAD_REQUEST},
        {"d\xe9mo:secret", REFUSAL_BAD_REQUEST}, /* Latin-1 */
        {"demo:se\ncret", REFUSAL_BAD_REQUEST},  {"demo:", REFUSAL_LOGIN_FAILED},
        {":secret", REFUSAL_LOGIN_FAILED},       {"demo@:secret", REFUSAL_LOGIN_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct credential credential;
        assert_int_equal(read_pair(rows[i].pair, NULL, &credential), rows[i].refusal);
        credential_free(&credential);
    }
}

static void other_values_of_authorization_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum refusal refusal;
    } rows[] = {
        {"Basic ZGVtbzpzZWNyZXQ=", REFUSAL_NONE},
        {"bAsIc   ZGVtbzpzZWNyZXQ=", REFUSAL_NONE},
        {"Basic ZGVtbzpzZWNyZXQ", REFUSAL_BAD_REQUEST}, /* without its padding */
        {"Basic ZGVtbzpzZWNyZXQ= x", REFUSAL_BAD_REQUEST},
        {"Basic ZGVtb=pzZWNyZXQ=", REFUSAL_BAD_REQUEST},
        {"Basic ZGVt!zpzZWNyZXQ=", REFUSAL_BAD_REQUEST},
        {"Basic ZGVtbzpzAGNyZXQ=", REFUSAL_BAD_REQUEST}, /* a NUL */
        {"Basic ====", REFUSAL_BAD_REQUEST},
        {"Basic ", REFUSAL_BAD_REQUEST},
        {"Basic", REFUSAL_LOGIN_REQUIRED},
        {"Basicly ZGVtbzpzZWNyZXQ=", REFUSAL_LOGIN_REQUIRED},
        {"Bearer abc", REFUSAL_LOGIN_REQUIRED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct credential credential;
        enum refusal refusal = read_value(rows[i].value, true, NULL, &credential);
        if (refusal != rows[i].refusal)
            fail_msg("'%s': %d", rows[i].value, refusal);
        credential_free(&credential);
    }
}

static void passwords_over_plain_http_are_not_even_read(void **state)
{
    (void)state;
    struct credential credential;
    assert_int_equal(read_value("Basic ZGVtbzpzZWNyZXQ=", false, NULL, &credential),
                     REFUSAL_PASSWORD_OVER_PLAIN_HTTP);
    assert_int_equal(read_value("Basic !", false, NULL, &credential),
                     REFUSAL_PASSWORD_OVER_PLAIN_HTTP);
    assert_null(credential.secret);
}

static void a_token_needs_no_tls_and_goes_first(void **state)
{
    (void)state;
    struct credential credential;
    struct headers headers = {0};
    assert_true(headers_add(&headers, "X-Auth-Token", "gAAAA"));
    assert_int_equal(read_with(&headers, false, NULL, &credential), REFUSAL_NONE);
    assert_int_equal(credential.kind, CREDENTIAL_TOKEN);
    assert_string_equal(credential.secret, "gAAAA");
    credential_free(&credential);
    assert_true(headers_add(&headers, "Authorization", "Basic ZGVtbzpzZWNyZXQ="));
    assert_int_equal(read_with(&headers, true, NULL, &credential), REFUSAL_NONE);
    assert_int_equal(credential.kind, CREDENTIAL_TOKEN);
    credential_free(&credential);
    assert_int_equal(read_with(&headers, false, NULL, &credential),
                     REFUSAL_PASSWORD_OVER_PLAIN_HTTP);
    assert_true(headers_add(&headers, "X_Auth_Token", "gBBBB"));
    assert_int_equal(read_with(&headers, true, NULL, &credential), REFUSAL_BAD_REQUEST);
    credential_free(&credential);
    headers_free(&headers);
}

static void a_login_is_required(void **state)
{
    (void)state;
    struct credential credential;
    struct headers headers = {0};
    assert_int_equal(read_with(&headers, true, NULL, &credential), REFUSAL_LOGIN_REQUIRED);
    assert_true(headers_add(&headers, "X-Auth-Token", ""));
    assert_int_equal(read_with(&headers, true, NULL, &credential), REFUSAL_LOGIN_FAILED);
    credential_free(&credential);
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_domain_and_password_are_read),
        cmocka_unit_test(what_cannot_be_a_login_is_refused),
        cmocka_unit_test(other_values_of_authorization_are_told_apart),
        cmocka_unit_test(passwords_over_plain_http_are_not_even_read),
        cmocka_unit_test(a_token_needs_no_tls_and_goes_first),
        cmocka_unit_test(a_login_is_required),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
