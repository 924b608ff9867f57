/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/networks.h"
#include "intake/settings.h"
#include "intake/upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The client is this test's: the linker takes it, and leaves the listener's in the archive. */
struct client {
    struct request_head head;
    struct framing_facts framing;
};

const struct request_head *client_head(const struct client *client)
{
    return &client->head;
}

const struct framing_facts *client_framing(const struct client *client)
{
    return &client->framing;
}

/* An upload to the store "test" by the rule "default", from a client that sent `fields`: names and
 * values in turn, up to NULL. */
struct scene {
    struct client client;
    struct exchange x;
    struct headers out;
    const char *rest; /* of the body */
};

static void begin(struct scene *scene, const char *const *fields)
{
    *scene = (struct scene){0};
    struct headers *headers = &scene->client.head.headers;
    for (; *fields; fields += 2)
        assert_true(headers_add(headers, fields[0], fields[1]));
    struct exchange *x = &scene->x;
    x->client = &scene->client;
    strcpy(x->request_id, "req-1");
    x->route.kind = ROUTE_UPLOAD;
    assert_true(origin_find(headers, "192.0.2.7", false, &(struct networks){0}, &x->origin));
    assert_true(store_wish(headers, &x->wish));
    x->decision = (struct policy_decision){.rule = "default", .store = "test"};
    x->upload = upload_new("req-1", "192.0.2.7", "image");
    assert_non_null(x->upload);
}

static void end(struct scene *scene)
{
    struct exchange *x = &scene->x;
    headers_free(&scene->out);
    headers_free(&scene->client.head.headers);
    origin_free(&x->origin);
    free(x->wish);
    body_free(x->body);
    upload_free(x->upload);
}

/* The whole of a small body, as the client's read() gives it: then its end. */
static ssize_t read_text(void *context, void *into, size_t room)
{
    const char **text = context;
    size_t count = strlen(*text) < room ? strlen(*text) : room;
    memcpy(into, *text, count);
    *text += count;
    return (ssize_t)count;
}

/* A body that only warns of damage, ready to be read. */
static void prepare(struct scene *scene, const char *text, const char *content_type)
{
    static const struct settings settings = {.upload = {.max_size = UINT64_MAX,
                                                        .unwrap_multipart = true,
                                                        .damaged = CHECK_WARN,
                                                        .verify = VERIFY_DIGEST}};
    const struct body_plan plan = {.read = read_text,
                                   .context = &scene->rest,
                                   .length_known = true,
                                   .length = strlen(text),
                                   .content_type = content_type,
                                   .disk_format = "raw",
                                   .container_format = "bare",
                                   .settings = &settings};
    scene->rest = text;
    scene->x.body = body_new(&plan);
    assert_non_null(scene->x.body);
    assert_int_equal(body_prepare(scene->x.body), 1);
}

static void let_pass(struct scene *scene, const char *text)
{
    static char into[BODY_READ_MIN];
    prepare(scene, text, NULL);
    while (body_read(scene->x.body, into, sizeof into) > 0)
        continue;
    assert_int_equal(body_count(scene->x.body), strlen(text));
}

static void assert_field(const struct headers *headers, const char *name, const char *value)
{
    const char *got = headers_get(headers, name);
    if (headers_count(headers, name) != (value ? 1 : 0) || (value && strcmp(got, value) != 0))
        fail_msg("%s: %zu, %s", name, headers_count(headers, name), got ? got : "none");
}

/* --- what Glance is asked before ---------------------------------------------------------- */

static void the_preflight_is_the_callers_own_and_of_the_image(void **state)
{
    (void)state;
    static const char *const fields[] = {"Host",
                                         "images:9292",
                                         "X-Auth-Token",
                                         "secret",
                                         "Accept",
                                         "application/json",
                                         "Content-Type",
                                         "application/octet-stream",
                                         "content_type",
                                         "text/plain",
                                         "X-Image-Meta-Store",
                                         "file",
                                         "Range",
                                         "bytes=0-1",
                                         "If-None-Match",
                                         "*",
                                         "Accept-Encoding",
                                         "gzip",
                                         "Content-Encoding",
                                         "gzip",
                                         "Content-MD5",
                                         "x",
                                         "Repr-Digest",
                                         "x",
                                         "X-Openstack-Image-Size",
                                         "5",
                                         "Expect",
                                         "100-continue",
                                         NULL};
    struct scene scene;
    begin(&scene, fields);
    assert_true(fields_for_preflight(&scene.x, &scene.out));
    assert_field(&scene.out, "X-Auth-Token", "secret");
    assert_field(&scene.out, "Accept", "application/json");
    assert_field(&scene.out, "X-Openstack-Request-Id", "req-1");
    assert_field(&scene.out, "X-Forwarded-For", "192.0.2.7");
    for (size_t i = 6; fields[i]; i += 2)
        assert_field(&scene.out, fields[i], NULL);
    end(&scene);
}

/* The canonical path has the version; with both Glance finds nothing. */
static void a_version_by_accept_does_not_go_on(void **state)
{
    (void)state;
    static const char *const fields[] = {"Accept", "application/vnd.openstack.images-v2", NULL};
    for (int by_accept = 0; by_accept < 2; by_accept++) {
        struct scene scene;
        begin(&scene, fields);
        prepare(&scene, "abc", NULL);
        scene.x.route.version_by_accept = by_accept;
        assert_true(fields_for_preflight(&scene.x, &scene.out));
        assert_field(&scene.out, "Accept", by_accept ? NULL : fields[1]);
        headers_free(&scene.out);
        assert_true(fields_for_upload(&scene.x, &scene.out));
        assert_field(&scene.out, "Accept", by_accept ? NULL : fields[1]);
        end(&scene);
    }
}

/* --- what the upload is sent with --------------------------------------------------------- */

#define OCTETS "application/octet-stream"

static void one_store_one_type_and_what_was_changed(void **state)
{
    (void)state;
    static const struct {
        const char *fields[8];
        unsigned fixes;
    } rows[] = {
        {{NULL}, FIX_STORE | FIX_CONTENT_TYPE},
        {{"Content-Type", OCTETS, NULL}, FIX_STORE},
        {{"X-Image-Meta-Store", "test", NULL}, FIX_CONTENT_TYPE},
        {{"X-Image-Meta-Store", "test", "Content-Type", OCTETS, NULL}, 0},
        {{"x_image_meta_store", "test", "content-type", OCTETS, NULL}, 0},
        {{"X-Image-Meta-Store", "file", "Content-Type", OCTETS, NULL}, FIX_STORE},
        {{"X-Image-Meta-Store", "test", "X_Image_Meta_Store", "file", "Content-Type", OCTETS, NULL},
         FIX_STORE},
        {{"X-Image-Meta-Store", "test", "Content-Type", "text/plain", NULL}, FIX_CONTENT_TYPE},
        {{"X-Image-Meta-Store", "test", "Content-Type", OCTETS, "Content-Type", "text/plain", NULL},
         FIX_CONTENT_TYPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, rows[i].fields);
        prepare(&scene, "abc", NULL);
        assert_true(fields_for_upload(&scene.x, &scene.out));
        assert_field(&scene.out, "X-Image-Meta-Store", "test");
        assert_field(&scene.out, "Content-Type", OCTETS);
        if (scene.x.upload->fixes != rows[i].fixes)
            fail_msg("row %zu: %x", i, scene.x.upload->fixes);
        end(&scene);
    }
}

static void staged_data_has_no_store(void **state)
{
    (void)state;
    static const char *const fields[] = {"X-Image-Meta-Store", "file", "Content-Type", OCTETS,
                                         NULL};
    struct scene scene;
    begin(&scene, fields);
    prepare(&scene, "abc", NULL);
    scene.x.route.kind = ROUTE_STAGE;
    assert_true(fields_for_upload(&scene.x, &scene.out));
    assert_field(&scene.out, "X-Image-Meta-Store", NULL);
    assert_int_equal(scene.x.upload->fixes, 0);
    end(&scene);
}

/* Only a length that Glance gets and nobody sent is a repair. */
static void a_length_that_was_found_out_is_told(void **state)
{
    (void)state;
    static const char *const fields[] = {"X-Image-Meta-Store", "test", "Content-Type", OCTETS,
                                         NULL};
    static const struct {
        enum framing framing;
        bool size_known;
        unsigned fixes;
    } rows[] = {
        {FRAMING_LENGTH, true, 0},
        {FRAMING_CHUNKED, false, 0},
        {FRAMING_CHUNKED, true, FIX_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, fields);
        prepare(&scene, "abc", OCTETS);
        scene.client.framing.framing = rows[i].framing;
        scene.x.size_known = rows[i].size_known;
        assert_true(fields_for_upload(&scene.x, &scene.out));
        assert_int_equal(scene.x.upload->fixes, rows[i].fixes);
        end(&scene);
    }
}

static void a_form_that_was_taken_off_is_told(void **state)
{
    (void)state;
    static const char type[] = "multipart/form-data; boundary=b";
    static const char form[] = "--b\r\n"
                               "Content-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n\r\n"
                               "abc\r\n--b--\r\n";
    static const char *const fields[] = {"X-Image-Meta-Store", "test", "Content-Type", type, NULL};
    struct scene scene;
    begin(&scene, fields);
    prepare(&scene, form, type);
    assert_true(fields_for_upload(&scene.x, &scene.out));
    assert_field(&scene.out, "Content-Type", OCTETS);
    assert_int_equal(scene.x.upload->fixes, FIX_CONTENT_TYPE | FIX_MULTIPART);
    end(&scene);
}

/* --- what the answer says ----------------------------------------------------------------- */

/* The SHA-512 of "abc" (FIPS 180-4), base64 and hex. */
static const char DIGEST[] =
    "sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/"
    "uu9RU1EI2Q86A4qmslPpUyknw==:";
static const char HEX[] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

static void before_the_decision_there_is_nothing_to_say(void **state)
{
    (void)state;
    static const char *const fields[] = {NULL};
    struct scene scene;
    begin(&scene, fields);
    assert_true(fields_of_answer(&scene.x, &scene.out));
    assert_int_equal(scene.out.count, 0);
    end(&scene);
}

static void a_relayed_answer_has_nothing_of_ours(void **state)
{
    (void)state;
    struct exchange x = {0};
    struct headers out = {0};
    assert_true(fields_of_answer(&x, &out));
    assert_int_equal(out.count, 0);
}

/* Only what Glance has taken whole is vouched for. */
static void a_digest_is_told_of_what_was_stored(void **state)
{
    (void)state;
    static const char *const fields[] = {NULL};
    static const struct {
        unsigned status;
        enum refusal refusal;
        bool vouched;
    } rows[] = {
        {204, REFUSAL_NONE, true},         {200, REFUSAL_NONE, true},
        {413, REFUSAL_NONE, false},        {204, REFUSAL_DAMAGED_BODY, false},
        {0, REFUSAL_GLANCE_FAILED, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, fields);
        let_pass(&scene, "abc");
        scene.x.answer.status = rows[i].status;
        scene.x.refusal = rows[i].refusal;
        scene.x.upload->store = strdup("test");
        scene.x.upload->rule = strdup("windows-images");
        scene.x.upload->fixes = FIX_STORE | FIX_LENGTH;
        assert_true(fields_of_answer(&scene.x, &scene.out));
        assert_field(&scene.out, "X-Intake-Store", "test");
        assert_field(&scene.out, "X-Intake-Rule", "windows-images");
        assert_field(&scene.out, "X-Intake-Fixed", "store, length");
        assert_field(&scene.out, "X-Intake-Bytes", "3");
        assert_field(&scene.out, "Repr-Digest", rows[i].vouched ? DIGEST : NULL);
        assert_field(&scene.out, "X-Intake-Verified", rows[i].vouched ? "no" : NULL);
        assert_int_equal(scene.x.upload->sha512 != NULL, rows[i].vouched);
        if (rows[i].vouched)
            assert_string_equal(scene.x.upload->sha512, HEX);
        end(&scene);
    }
}

static void a_warning_is_told_by_its_reason(void **state)
{
    (void)state;
    static const char *const fields[] = {NULL};
    static char stripped[8193];
    memset(stripped, 'a', sizeof stripped - 1);
    struct scene scene;
    begin(&scene, fields);
    let_pass(&scene, stripped);
    assert_true(fields_of_answer(&scene.x, &scene.out));
    assert_field(&scene.out, "X-Intake-Warning", "damaged_body");
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_preflight_is_the_callers_own_and_of_the_image),
        cmocka_unit_test(a_version_by_accept_does_not_go_on),
        cmocka_unit_test(one_store_one_type_and_what_was_changed),
        cmocka_unit_test(staged_data_has_no_store),
        cmocka_unit_test(a_length_that_was_found_out_is_told),
        cmocka_unit_test(a_form_that_was_taken_off_is_told),
        cmocka_unit_test(before_the_decision_there_is_nothing_to_say),
        cmocka_unit_test(a_relayed_answer_has_nothing_of_ours),
        cmocka_unit_test(a_digest_is_told_of_what_was_stored),
        cmocka_unit_test(a_warning_is_told_by_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
