/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

/* --- what is refused ------------------------------------------------------------------- */

#define OCTETS "application/octet-stream"
#define FORM   "multipart/form-data; boundary=b"
#define SIZE   "X-Openstack-Image-Size"

static const char TYPE_FAULT[] = "its Content-Type is not application/octet-stream";
static const char SIZE_FAULT[] = "x-openstack-image-size is not a number of bytes";

struct head {
    const char *fields[8]; /* names and values in turn, up to NULL */
    struct framing_facts framing;
};

#define LENGTH(count)                                                                              \
    {                                                                                              \
        FRAMING_LENGTH, count, false                                                               \
    }
#define CHUNKED                                                                                    \
    {                                                                                              \
        FRAMING_CHUNKED, 0, false                                                                  \
    }

/* `how` changes a setting before it is judged; NULL: the defaults. */
static void judge(void **state, const struct head *head, void (*how)(struct scene *scene),
                  enum refusal refusal, const char *detail)
{
    struct scene scene;
    scene_begin(&scene, state, head->fields);
    scene.client.framing = head->framing;
    if (how)
        how(&scene);
    enum step_result result = upload_admit(scene.x);
    assert_int_equal(result, refusal ? STEP_REFUSE : STEP_NEXT);
    assert_outcome(&scene, result, refusal, detail);
    scene_end(&scene);
}

struct row {
    struct head head;
    enum refusal refusal;
    const char *detail;
};

static void judge_all(void **state, const struct row *rows, size_t count,
                      void (*how)(struct scene *scene))
{
    for (size_t i = 0; i < count; i++)
        judge(state, &rows[i].head, how, rows[i].refusal, rows[i].detail);
}

#define JUDGE_ALL(rows, how) judge_all(state, rows, sizeof rows / sizeof rows[0], how)

/* Glance ignores these fields, and what it stores would not be the image. */
static void parts_and_codings_are_refused(void **state)
{
    static const struct row rows[] = {
        {{{NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Range", "bytes 0-4/9", NULL}, LENGTH(5)}, REFUSAL_CONTENT_RANGE, NULL},
        {{{"content_range", "", NULL}, LENGTH(5)}, REFUSAL_CONTENT_RANGE, NULL},
        {{{"Content-Encoding", "gzip", NULL}, LENGTH(5)}, REFUSAL_CONTENT_ENCODING, NULL},
        {{{"Content-Encoding", "identity, gzip", NULL}, LENGTH(5)}, REFUSAL_CONTENT_ENCODING, NULL},
        {{{"Content-Encoding", "Identity", NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Encoding", "", NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Encoding", "identity", "content_encoding", "gzip", NULL}, LENGTH(5)},
         REFUSAL_CONTENT_ENCODING,
         NULL},
        {{{"Content-Range", "x", "Content-Encoding", "gzip", "Digest", "md5=", NULL}, LENGTH(0)},
         REFUSAL_CONTENT_RANGE,
         NULL},
    };
    JUDGE_ALL(rows, NULL);
}

/* Any type is put right, but for a set of parts that is no form. */
static void most_types_can_be_fixed(void **state)
{
    static const char no_form[] = "only a form (multipart/form-data) can be unwrapped";
    static const struct row rows[] = {
        {{{"Content-Type", OCTETS, NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Type", "text/plain", NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Type", FORM, NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Type", "Multipart/Form-Data; boundary=b", NULL}, LENGTH(5)},
         REFUSAL_NONE,
         NULL},
        {{{"Content-Type", "multipart/mixed; boundary=b", NULL}, LENGTH(5)},
         REFUSAL_UNSUPPORTED_CONTENT_TYPE,
         no_form},
        {{{"Content-Type", "MULTIPART/related", NULL}, LENGTH(5)},
         REFUSAL_UNSUPPORTED_CONTENT_TYPE,
         no_form},
    };
    JUDGE_ALL(rows, NULL);
}

static void be_strict(struct scene *scene)
{
    scene->settings.upload.fix_content_type = false;
}

static void where_types_are_not_fixed_only_glances_own_passes(void **state)
{
    static const struct row rows[] = {
        {{{"Content-Type", OCTETS, NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Type", OCTETS "; charset=binary", NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{"Content-Type", FORM, NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{NULL}, LENGTH(5)}, REFUSAL_UNSUPPORTED_CONTENT_TYPE, "it has no Content-Type"},
        {{{"Content-Type", "Application/Octet-Stream", NULL}, LENGTH(5)},
         REFUSAL_UNSUPPORTED_CONTENT_TYPE,
         TYPE_FAULT},
        {{{"Content-Type", OCTETS "x", NULL}, LENGTH(5)},
         REFUSAL_UNSUPPORTED_CONTENT_TYPE,
         TYPE_FAULT},
        {{{"Content-Type", "", NULL}, LENGTH(5)}, REFUSAL_UNSUPPORTED_CONTENT_TYPE, TYPE_FAULT},
        {{{"Content-Type", OCTETS, "Content-Type", OCTETS, NULL}, LENGTH(5)},
         REFUSAL_UNSUPPORTED_CONTENT_TYPE,
         TYPE_FAULT},
    };
    JUDGE_ALL(rows, be_strict);
}

static void refuse_forms(struct scene *scene)
{
    scene->settings.upload.unwrap_multipart = false;
}

static void where_forms_are_refused_this_one_is(void **state)
{
    static const struct row rows[] = {
        {{{"Content-Type", FORM, NULL}, LENGTH(5)},
         REFUSAL_UNSUPPORTED_CONTENT_TYPE,
         "it is a form"},
        {{{"Content-Type", "text/plain", NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
    };
    JUDGE_ALL(rows, refuse_forms);
}

static void a_size_must_be_one_and_agree(void **state)
{
    static const struct row rows[] = {
        {{{NULL}, LENGTH(0)}, REFUSAL_EMPTY_BODY, NULL},
        {{{NULL}, {FRAMING_NONE, 0, false}}, REFUSAL_EMPTY_BODY, NULL},
        {{{NULL}, LENGTH(1)}, REFUSAL_NONE, NULL},
        {{{SIZE, "5", NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{SIZE, "5", NULL}, CHUNKED}, REFUSAL_NONE, NULL},
        {{{SIZE, "0", NULL}, CHUNKED}, REFUSAL_EMPTY_BODY, NULL},
        {{{SIZE, "6", NULL}, LENGTH(5)},
         REFUSAL_SIZE_MISMATCH,
         "x-openstack-image-size is 6, and Content-Length is 5"},
        {{{SIZE, "6", "Content-Type", FORM, NULL}, LENGTH(5)}, REFUSAL_NONE, NULL},
        {{{SIZE, "9223372036854775807", NULL}, CHUNKED}, REFUSAL_NONE, NULL},
        {{{SIZE, "9223372036854775808", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, "99999999999999999999", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, "", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, "+5", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, "-5", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, " 5", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, "5 ", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, "0x5", NULL}, CHUNKED}, REFUSAL_BAD_REQUEST, SIZE_FAULT},
        {{{SIZE, "5", "x_openstack_image_size", "5", NULL}, LENGTH(5)},
         REFUSAL_BAD_REQUEST,
         SIZE_FAULT},
    };
    JUDGE_ALL(rows, NULL);
}

static void refuse_unknown(struct scene *scene)
{
    scene->settings.upload.unknown_length = UNKNOWN_LENGTH_REJECT;
}

static void stream_unknown(struct scene *scene)
{
    scene->settings.upload.unknown_length = UNKNOWN_LENGTH_STREAM;
}

static void fill_spool(struct scene *scene)
{
    scene->settings.upload.spool_limit = 0;
}

static void an_unknown_length_is_dealt_with_as_the_settings_say(void **state)
{
    static const struct head unknown = {{NULL}, CHUNKED}, promised = {{SIZE, "5", NULL}, CHUNKED};
    judge(state, &unknown, NULL, REFUSAL_NONE, NULL);
    judge(state, &unknown, stream_unknown, REFUSAL_NONE, NULL);
    judge(state, &unknown, refuse_unknown, REFUSAL_LENGTH_REQUIRED, NULL);
    judge(state, &unknown, fill_spool, REFUSAL_SPOOL_FULL, NULL);
    judge(state, &promised, refuse_unknown, REFUSAL_NONE, NULL);
    judge(state, &promised, fill_spool, REFUSAL_NONE, NULL);
}

static void a_promise_that_is_none_is_refused(void **state)
{
    static const struct row rows[] = {
        {{{"Content-MD5", "kAFQmDzST7DWlj99KOF/cg==", NULL}, LENGTH(3)}, REFUSAL_NONE, NULL},
        {{{"Content-MD5", "kAFQmDzST7DWlj99KOF/", NULL}, LENGTH(3)},
         REFUSAL_BAD_REQUEST,
         "Content-MD5 is not an MD5 in base64"},
        {{{"Repr-Digest", "sha-256=x", NULL}, LENGTH(3)},
         REFUSAL_BAD_REQUEST,
         "Repr-Digest names an algorithm without a digest of it, as in sha-256=:BASE64:"},
        {{{"Repr-Digest", "sha-3=:AA==:", NULL}, LENGTH(3)}, REFUSAL_NONE, NULL},
    };
    JUDGE_ALL(rows, NULL);
}

static void drain(struct scene *scene)
{
    scene->parts.draining = true;
}

static void while_it_drains_no_upload_begins(void **state)
{
    static const struct head good = {{NULL}, LENGTH(5)},
                             bad = {{"Content-Range", "x", NULL}, CHUNKED};
    judge(state, &good, drain, REFUSAL_DRAINING, NULL);
    judge(state, &bad, drain, REFUSAL_DRAINING, NULL);
}

/* --- what is known from then on -------------------------------------------------------- */

static void the_size_is_the_images_or_still_to_come(void **state)
{
    static const struct {
        struct head head;
        void (*how)(struct scene *scene);
        bool declared_form, promised, size_known, size_comes;
        uint64_t size; /* if it is known */
    } rows[] = {
        {{{NULL}, LENGTH(7)}, NULL, false, false, true, false, 7},
        {{{SIZE, "7", NULL}, LENGTH(7)}, NULL, false, true, true, false, 7},
        {{{NULL}, CHUNKED}, NULL, false, false, false, true, 0},
        {{{NULL}, CHUNKED}, stream_unknown, false, false, false, false, 0},
        {{{SIZE, "5", NULL}, CHUNKED}, NULL, false, true, true, false, 5},
        {{{SIZE, "5", NULL}, CHUNKED}, stream_unknown, false, true, true, false, 5},
        /* the file in a form is smaller than the form */
        {{{"Content-Type", FORM, NULL}, LENGTH(70)}, NULL, true, false, false, true, 0},
        {{{"Content-Type", FORM, SIZE, "5", NULL}, LENGTH(70)}, NULL, true, true, true, true, 5},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, NULL, true, false, false, true, 0},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, stream_unknown, true, false, false, false, 0},
        {{{"Content-Type", FORM, SIZE, "5", NULL}, CHUNKED}, NULL, true, true, true, false, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        scene_begin(&scene, state, rows[i].head.fields);
        scene.client.framing = rows[i].head.framing;
        if (rows[i].how)
            rows[i].how(&scene);
        assert_int_equal(upload_admit(scene.x), STEP_NEXT);
        assert_int_equal(scene.x->declared_form, rows[i].declared_form);
        assert_int_equal(scene.x->promised, rows[i].promised);
        assert_int_equal(scene.x->size_known, rows[i].size_known);
        assert_int_equal(scene.x->size_comes, rows[i].size_comes);
        if (rows[i].size_known)
            assert_int_equal(scene.x->size, rows[i].size);
        if (rows[i].promised)
            assert_int_equal(scene.x->promise, rows[i].size);
        scene_end(&scene);
    }
}

static void what_is_promised_is_kept_for_the_body(void **state)
{
    static const char *const fields[] = {"Content-MD5", "kAFQmDzST7DWlj99KOF/cg==", "Digest",
                                         "md5=kAFQmDzST7DWlj99KOF/cg==", NULL};
    struct scene scene;
    scene_begin(&scene, state, fields);
    scene.client.framing = (struct framing_facts)LENGTH(3);
    assert_int_equal(upload_admit(scene.x), STEP_NEXT);
    assert_int_equal(scene.x->promises.count, 2);
    assert_int_equal(scene.x->image_promises.count, 0);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(parts_and_codings_are_refused),
        SCENE_TEST(most_types_can_be_fixed),
        SCENE_TEST(where_types_are_not_fixed_only_glances_own_passes),
        SCENE_TEST(where_forms_are_refused_this_one_is),
        SCENE_TEST(a_size_must_be_one_and_agree),
        SCENE_TEST(an_unknown_length_is_dealt_with_as_the_settings_say),
        SCENE_TEST(a_promise_that_is_none_is_refused),
        SCENE_TEST(while_it_drains_no_upload_begins),
        SCENE_TEST(the_size_is_the_images_or_still_to_come),
        SCENE_TEST(what_is_promised_is_kept_for_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
