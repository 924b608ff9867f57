/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/capacity.h"

#include "intake/log.h"
#include "intake/loop.h"
#include "intake/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/one_answer.h"
#include "support/policies.h"

/* --- what an answer says --------------------------------------------------------------- */

struct saying {
    const char *fields[8]; /* names and values in turn, up to NULL */
    unsigned status;
    enum transfer_result result;
    const char *fault; /* NULL: it can be read */
    uint64_t used, quota;
};

static void fill(struct fetch *fetch, const struct saying *saying)
{
    *fetch = (struct fetch){
        .begun = true, .over = true, .result = saying->result, .detail = "libcurl's words"};
    reply_init(&fetch->answer);
    fetch->answer.status = saying->status;
    for (const char *const *field = saying->fields; *field; field += 2)
        assert_true(headers_add(&fetch->answer.headers, field[0], field[1]));
}

static void check_saying(const struct saying *saying)
{
    struct fetch fetch;
    struct bucket_facts facts;
    char why[128] = "";
    fill(&fetch, saying);
    assert_int_equal(bucket_read(&fetch, &facts, why, sizeof why), saying->fault == NULL);
    assert_string_equal(why, saying->fault ? saying->fault : "");
    if (!saying->fault) {
        assert_int_equal(facts.used, saying->used);
        assert_int_equal(facts.quota, saying->quota);
    }
    fetch_end(&fetch);
}

#define USED   "X-RGW-Bytes-Used"
#define BUCKET "X-RGW-Quota-Bucket-Size"
#define USER   "X-RGW-Quota-User-Size"

static void answer_of_the_gateway_is_read(void **state)
{
    (void)state;
    static const char unreadable[] = "what the gateway says of the bucket cannot be read";
    static const struct saying rows[] = {
        /* as radosgw 16.2 answers */
        {{USED, "1048576", USER, "-1", BUCKET, "-1"}, 200, 0, NULL, 1048576, UINT64_MAX},
        {{USED, "1048576", USER, "-1", BUCKET, "10485760"}, 200, 0, NULL, 1048576, 10485760},
        {{USED, "0", USER, "5242880", BUCKET, "-1"}, 200, 0, NULL, 0, 5242880},
        {{USED, "7", USER, "10", BUCKET, "20"}, 200, 0, NULL, 7, 10},
        {{USED, "7", USER, "20", BUCKET, "10"}, 200, 0, NULL, 7, 10},
        {{USED, "7", USER, "20", BUCKET, "0"}, 200, 0, NULL, 7, 0},
        /* to a client that does not own the bucket */
        {{USED, "7"}, 200, 0, NULL, 7, UINT64_MAX},
        {{"x-rgw-bytes-used", "999999999999999999"}, 200, 0, NULL, 999999999999999999, UINT64_MAX},
        /* S3 of another kind */
        {{"x-amz-request-id", "1"}, 200, 0, "the gateway does not say what the bucket holds", 0, 0},
        {{USED, ""}, 200, 0, unreadable, 0, 0},
        {{USED, "-1"}, 200, 0, unreadable, 0, 0},
        {{USED, "12x"}, 200, 0, unreadable, 0, 0},
        {{USED, "9999999999999999999"}, 200, 0, unreadable, 0, 0},
        {{USED, "7", BUCKET, "many"}, 200, 0, unreadable, 0, 0},
        {{USED, "7", USER, "-"}, 200, 0, unreadable, 0, 0},
        {{NULL}, 403, 0, "the gateway answers 403: these keys may not look at the bucket", 0, 0},
        {{NULL}, 404, 0, "the gateway answers 404: there is no such bucket", 0, 0},
        {{USED, "7"}, 503, 0, "the gateway answers 503", 0, 0},
        {{USED, "7"}, 200, TRANSFER_FAILED, "the gateway does not answer: libcurl's words", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_saying(&rows[i]);
}

/* --- asking it -------------------------------------------------------------------------------- */

static struct one_answer gateway;

static void stop(void *context)
{
    loop_stop(context);
}

static struct policy *policy_of(void **state)
{
    char text[1024];
    snprintf(text, sizeof text,
             "default: {store: test}\n"
             "stores:\n"
             "  test:\n"
             "    s3: {endpoint: '%s', bucket: glance-storage, region: east,\n"
             "         access_key_file: %s, secret_key_file: %s}\n",
             gateway.url, scratch_file(state, "access", "ACCESSKEY\n"),
             scratch_file(state, "secret", "the-secret/key\n"));
    return good_policy(state, text);
}

/* Asks and waits for the end; false: it could not be asked. */
static bool ask(const struct policy *policy, struct fetch *fetch)
{
    char *nowhere[] = {"http://127.0.0.1:1"}; /* Glance is not to be asked */
    const struct settings settings = {.glance = {.endpoints = nowhere,
                                                 .endpoint_count = 1,
                                                 .connect_timeout = 5000,
                                                 .stall_timeout = 5000}};
    struct loop *loop = loop_new();
    struct glance *glance = loop ? glance_new(loop) : NULL;
    assert_non_null(glance);
    bool asked = bucket_ask(fetch, glance, &settings, policy_store(policy, "test"), stop, loop);
    if (asked)
        loop_run(loop);
    glance_free(glance);
    loop_free(loop);
    return asked;
}

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nX-RGW-Bytes-Used: 12\r\n"
                             "X-RGW-Quota-Bucket-Size: 34\r\nContent-Length: 0\r\n\r\n";

static void request_is_signed_without_the_secret(void **state)
{
    struct fetch fetch = {0};
    struct bucket_facts facts;
    char why[128];
    one_answer_begin(&gateway);
    one_answer_start(&gateway, ANSWER, sizeof ANSWER - 1);
    struct policy *policy = policy_of(state);
    assert_true(ask(policy, &fetch));
    one_answer_join(&gateway); /* the connection is not kept */
    assert_true(bucket_read(&fetch, &facts, why, sizeof why));
    assert_int_equal(facts.used, 12);
    assert_int_equal(facts.quota, 34);
    assert_memory_equal(gateway.seen, "HEAD /glance-storage HTTP/1.1\r\n", 31);
    assert_non_null(strcasestr(gateway.seen, "\r\nAuthorization: AWS4-HMAC-SHA256 "
                                             "Credential=ACCESSKEY/"));
    assert_non_null(strstr(gateway.seen, "/east/s3/aws4_request"));
    assert_non_null(strcasestr(gateway.seen, "\r\nx-amz-content-sha256: e3b0c44298fc1c149afbf4c8996"
                                             "fb92427ae41e4649b934ca495991b7852b855\r\n"));
    assert_null(strstr(gateway.seen, "secret"));
    fetch_end(&fetch);
    policy_free(policy);
    one_answer_end(&gateway);
}

static void absent_gateway_is_reported(void **state)
{
    struct fetch fetch = {0};
    struct bucket_facts facts;
    char why[128];
    one_answer_begin(&gateway); /* bound, and not listening */
    struct policy *policy = policy_of(state);
    assert_true(ask(policy, &fetch));
    assert_int_equal(fetch.result, TRANSFER_UNREACHABLE);
    assert_false(bucket_read(&fetch, &facts, why, sizeof why));
    assert_memory_equal(why, "the gateway does not answer: Failed to connect", 46);
    fetch_end(&fetch);
    policy_free(policy);
    one_answer_end(&gateway);
}

static void no_request_without_keys(void **state)
{
    struct fetch fetch = {0};
    char text[1024] = "";
    const char *log = scratch_path(state, "log");
    one_answer_begin(&gateway);
    struct policy *policy = policy_of(state);
    assert_int_equal(unlink(scratch_path(state, "secret")), 0);
    assert_true(log_open(LOG_FORMAT_TEXT, false, log));
    assert_false(ask(policy, &fetch));
    assert_false(fetch.begun);
    FILE *file = fopen(log, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "the key of store test, "));
    assert_non_null(strstr(text, "/secret, cannot be read: No such file or directory"));
    assert_null(strstr(text, "ACCESSKEY"));
    assert_true(log_open(LOG_FORMAT_TEXT, false, ""));
    policy_free(policy);
    one_answer_end(&gateway);
}

static int set_up(void **state)
{
    alarm(60); /* an endless wait fails, too */
    return scratch_begin(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(answer_of_the_gateway_is_read),
        TEST(request_is_signed_without_the_secret),
        TEST(absent_gateway_is_reported),
        TEST(no_request_without_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
