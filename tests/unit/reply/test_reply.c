/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/reply.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct refusal_context FULL = {
    .detail = "its status is active",
    .image_id = "11111111-2222-4333-8444-555555555555",
    .request_id = "req-1",
    .url = "http://images.example.org:9292/v2/images/11111111-2222-4333-8444-555555555555/file",
};

/* The refusal's JSON; `reply` is freed. */
static json_t *refused(enum refusal refusal, const struct refusal_context *context)
{
    struct reply reply;
    reply_init(&reply);
    assert_true(reply_refuse(&reply, refusal, context));
    assert_string_equal(headers_get(&reply.headers, "Content-Type"), "application/json");
    json_t *object = json_loads(buffer_text(&reply.body), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    reply_free(&reply);
    return object;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static void answer_is_complete_http(void **state)
{
    (void)state;
    struct reply reply;
    reply_init(&reply);
    assert_true(reply_refuse(&reply, REFUSAL_FORMATS_UNSET, &FULL));
    assert_int_equal(reply.status, 400);
    assert_int_equal(reply.headers.count, 2);
    assert_string_equal(headers_get(&reply.headers, "X-Openstack-Request-Id"), "req-1");
    assert_string_equal(
        buffer_text(&reply.body),
        "{\"message\": \"The image accepts no data before its disk format and container format "
        "are set: its status is active. Set both, then upload again.\", "
        "\"code\": \"400 Bad Request\", \"title\": \"Bad Request\", "
        "\"reason\": \"formats_unset\", \"hint\": \"openstack image set --disk-format FORMAT "
        "--container-format bare 11111111-2222-4333-8444-555555555555\", "
        "\"image_id\": \"11111111-2222-4333-8444-555555555555\", \"request_id\": \"req-1\"}\n");
    reply_free(&reply);
}

static void every_refusal_has_its_key_order(void **state)
{
    (void)state;
    static const char *const KEYS[] = {"message", "code",     "title",     "reason",
                                       "hint",    "image_id", "request_id"};
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        if (i == REFUSAL_PLAIN_HTTP)
            continue; /* as text for every client */
        json_t *object = refused((enum refusal)i, &FULL);
        size_t at = 0;
        const char *key;
        json_t *value;
        json_object_foreach(object, key, value)
        {
            assert_in_range(at, 0, 6);
            assert_string_equal(key, KEYS[at++]);
            assert_true(json_is_string(value));
        }
        assert_int_equal(at, 7);
        assert_null(strchr(text_of(object, "message"), '{'));
        assert_null(strchr(text_of(object, "hint"), '{'));
        assert_non_null(strstr(text_of(object, "message"), ": its status is active"));
        json_decref(object);
    }
}

/* `openstack image create NAME </dev/null` and `glance image-create </dev/null` send what standard
 * input has; curl -d sends nothing of a file of zeros. Each is told its own mistake. */
static void empty_upload_explains_its_causes(void **state)
{
    (void)state;
#define NOTHING "The upload has no data, and Glance would create an image of 0 bytes: "
#define INPUT   "standard input was empty, or the file was; name the file with --file. "
    static const struct {
        const char *user_agent, *message, *hint;
    } ROWS[] = {
        {"openstacksdk/0.101.0 keystoneauth1/5.0",
         NOTHING INPUT "Send the file with openstack image create --file FILE.",
         "openstack image create --disk-format FORMAT --container-format bare --file FILE NAME"},
        {"python-glanceclient", NOTHING INPUT "Send the file with glance image-upload --file FILE.",
         "glance image-upload --file FILE 11111111-2222-4333-8444-555555555555"},
        {"PostmanRuntime/7.39.0",
         NOTHING "no file is selected under Body > binary. Send the file with Postman's Body > "
                 "binary.",
         "In Postman, choose PUT"},
        {"curl/8.14.1",
         NOTHING "curl -d leaves nothing of a file of zeros. Send the file with curl -T FILE.",
         "curl -T FILE -H 'X-Auth-Token: TOKEN' http://images.example.org:9292/v2/images/"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct refusal_context context = FULL;
        struct reply reply;
        context.detail = NULL;
        context.user_agent = ROWS[i].user_agent;
        reply_init(&reply);
        assert_true(reply_refuse(&reply, REFUSAL_EMPTY_BODY, &context));
        assert_non_null(strstr(buffer_text(&reply.body), ROWS[i].message));
        assert_non_null(strstr(buffer_text(&reply.body), ROWS[i].hint));
        reply_free(&reply);
    }
}

/* A client that sends plain HTTP to a TLS port can read text, and maybe nothing else. */
static void plain_http_is_answered_in_text(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {{NULL, "https://HOST:9292"},
                                          {"https://images:9292", "https://images:9292"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct refusal_context context = {.request_id = "req-3", .url = ROWS[i][0]};
        struct reply reply;
        reply_init(&reply);
        assert_true(reply_refuse(&reply, REFUSAL_PLAIN_HTTP, &context));
        assert_string_equal(headers_get(&reply.headers, "Content-Type"),
                            "text/plain; charset=UTF-8");
        char expected[512];
        snprintf(expected, sizeof expected,
                 "400 Bad Request: This port uses TLS, and the request came in plain HTTP. Begin "
                 "the address with https:// instead of http://.\nHint: %s\nRequest: req-3\n",
                 ROWS[i][1]);
        assert_string_equal(buffer_text(&reply.body), expected);
        reply_free(&reply);
    }
}

static void answer_without_facts_is_complete(void **state)
{
    (void)state;
    const struct refusal_context context = {.request_id = "req-2"};
    json_t *object = refused(REFUSAL_DAMAGED_BODY, &context);
    assert_null(json_object_get(object, "image_id"));
    assert_string_equal(
        text_of(object, "message"),
        "The image data was changed on its way here, and the image would not boot. Send the "
        "file unchanged with curl -T FILE.");
    assert_string_equal(text_of(object, "hint"), "curl -T FILE -H 'X-Auth-Token: TOKEN' "
                                                 "http://HOST:9292/v2/images/ID/file");
    json_decref(object);
}

/* A text of a client or an operator cannot break the JSON or the sentence. */
static const struct {
    const char *detail;
    const char *message;
} DETAILS[] = {
    {"", "The policy of this cloud does not accept this."},
    {"no ISOs", "The policy of this cloud does not accept this: no ISOs."},
    {"Use qcow2. ", "The policy of this cloud does not accept this: Use qcow2."},
    {"...", "The policy of this cloud does not accept this."},
    {"\"}, {url}\n", "The policy of this cloud does not accept this: \"}, {url}\xEF\xBF\xBD."},
    {"st\xFFore", "The policy of this cloud does not accept this: st\xEF\xBF\xBDore."},
};

static void details_are_in_the_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DETAILS / sizeof *DETAILS; i++) {
        struct refusal_context context = FULL;
        context.detail = DETAILS[i].detail;
        json_t *object = refused(REFUSAL_DENIED_BY_POLICY, &context);
        assert_string_equal(text_of(object, "message"), DETAILS[i].message);
        json_decref(object);
    }
}

static void length_required_may_have_particulars(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {NULL, "This upload has no length, and here it needs one. Send the file with curl -T FILE, "
               "which sends the length."},
        {"another rule is for more than 10 bytes",
         "This upload has no length, and here it needs one: another rule is for more than 10 "
         "bytes. Send the file with curl -T FILE, which sends the length."},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct refusal_context context = FULL;
        context.detail = ROWS[i][0];
        json_t *object = refused(REFUSAL_LENGTH_REQUIRED, &context);
        assert_string_equal(text_of(object, "message"), ROWS[i][1]);
        json_decref(object);
    }
}

static void glanceclient_gets_text(void **state)
{
    (void)state;
    struct refusal_context context = FULL;
    context.user_agent = "python-glanceclient";
    context.upload = true;
    struct reply reply;
    reply_init(&reply);
    assert_true(reply_refuse(&reply, REFUSAL_TOO_LARGE, &context));
    assert_int_equal(reply.status, 413);
    assert_string_equal(headers_get(&reply.headers, "Content-Type"), "text/plain; charset=UTF-8");
    assert_string_equal(buffer_text(&reply.body),
                        "413 Content Too Large: The request is larger than this cloud allows: "
                        "its status is active. Make it smaller, or ask the operator of this "
                        "cloud for a higher limit.\n"
                        "Hint: qemu-img convert -c -O qcow2 FILE COPY && glance image-create "
                        "--disk-format qcow2 --container-format bare --file COPY --name NAME\n"
                        "Request: req-1\n");
    reply_free(&reply);
}

/* The data may be right, so the message does not call it wrong. */
static void glance_would_refuse_names_its_check(void **state)
{
    (void)state;
    static const enum refusal reasons[] = {REFUSAL_FORMAT_MISMATCH, REFUSAL_UNSAFE_FORMAT};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct refusal_context context = FULL;
        context.detail = "no fixed one: convert it with qemu-img convert -f vpc -O vpc FILE COPY";
        context.for_glance = true;
        json_t *object = refused(reasons[i], &context);
        assert_string_equal(text_of(object, "reason"), refusal_row(reasons[i])->name);
        assert_string_equal(
            text_of(object, "message"),
            "Glance would refuse this data only after storing all of it, and the image could not "
            "be "
            "used again: no fixed one: convert it with qemu-img convert -f vpc -O vpc FILE COPY. "
            "The data was not sent, and the image still waits for data.");
        assert_non_null(strstr(text_of(object, "hint"),
                               "qemu-img convert -f vpc -O vpc FILE COPY && curl -T COPY "));
        json_decref(object);
    }
}

/* The image goes with the upload: none waits for data, and none is to be looked at. */
static void a_new_image_is_gone_after_a_refusal(void **state)
{
    (void)state;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        const struct refusal_context context = {
            .request_id = "req-1", .url = "http://h/upload/a", .upload = true, .new_image = true};
        struct reply reply;
        reply_init(&reply);
        assert_true(reply_refuse(&reply, (enum refusal)i, &context));
        const char *text = buffer_text(&reply.body);
        bool of_images = i == REFUSAL_IMAGE_NOT_QUEUED || i == REFUSAL_FORMATS_UNSET ||
                         i == REFUSAL_OFFSET_MISMATCH || i == REFUSAL_UPLOAD_MOVING;
        if (!of_images && (strstr(text, "waits for data") || strstr(text, "Look at the image") ||
                           strstr(text, "/v2/images/")))
            fail_msg("%s", text);
        reply_free(&reply);
    }
}

static void earlier_content_is_replaced(void **state)
{
    (void)state;
    struct reply reply;
    reply_init(&reply);
    assert_true(headers_add(&reply.headers, "X-Intake-Store", "test"));
    assert_true(buffer_append(&reply.body, "earlier", 7));
    assert_true(reply_refuse(&reply, REFUSAL_DRAINING, &FULL));
    assert_null(headers_get(&reply.headers, "X-Intake-Store"));
    assert_int_equal(buffer_text(&reply.body)[0], '{');
    reply_free(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_is_complete_http),
        cmocka_unit_test(every_refusal_has_its_key_order),
        cmocka_unit_test(empty_upload_explains_its_causes),
        cmocka_unit_test(plain_http_is_answered_in_text),
        cmocka_unit_test(answer_without_facts_is_complete),
        cmocka_unit_test(details_are_in_the_answer),
        cmocka_unit_test(length_required_may_have_particulars),
        cmocka_unit_test(glanceclient_gets_text),
        cmocka_unit_test(glance_would_refuse_names_its_check),
        cmocka_unit_test(a_new_image_is_gone_after_a_refusal),
        cmocka_unit_test(earlier_content_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
