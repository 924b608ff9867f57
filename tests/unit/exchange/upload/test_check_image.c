/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

static void begin(struct fixture *fixture, void **state, const char *status,
                  const char *disk_format, const char *container_format)
{
    static const char *const fields[] = {NULL};
    fixture_begin(fixture, state, fields);
    fixture_image(fixture, status, disk_format, container_format);
}

static void an_image_must_be_queued_and_have_its_formats(void **state)
{
    static const struct {
        const char *status, *disk_format, *container_format;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"queued", "raw", "bare", REFUSAL_NONE, NULL},
        {"active", "raw", "bare", REFUSAL_IMAGE_NOT_QUEUED, "its status is active"},
        {"saving", "raw", "bare", REFUSAL_IMAGE_NOT_QUEUED,
         "its status is saving, and this proxy is not uploading it"},
        {"killed", NULL, NULL, REFUSAL_IMAGE_NOT_QUEUED, "its status is killed"},
        {"queued", NULL, "bare", REFUSAL_FORMATS_UNSET, "disk_format is not set"},
        {"queued", "raw", NULL, REFUSAL_FORMATS_UNSET, "container_format is not set"},
        {"queued", NULL, NULL, REFUSAL_FORMATS_UNSET,
         "disk_format and container_format are not set"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].status, rows[i].disk_format, rows[i].container_format);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_image), rows[i].refusal,
                       rows[i].detail);
        fixture_end(&fixture);
    }
}

/* Glance has refused its data after storing it, and takes no other data. */
static void a_queued_image_with_a_hash_or_stores_is_spoilt(void **state)
{
    static const struct {
        const char *hash, *stores;
        bool spoilt;
    } rows[] = {
        {NULL, NULL, false},  {"", "", false},      {"ab", NULL, true},
        {NULL, "test", true}, {"ab", "test", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, "queued", "raw", "bare");
        fixture.image->os_hash_value = rows[i].hash ? strdup(rows[i].hash) : NULL;
        fixture.image->stores = rows[i].stores ? strdup(rows[i].stores) : NULL;
        enum step_result result = fixture_run(&fixture, upload_check_image);
        assert_int_equal(result, rows[i].spoilt ? STEP_REFUSE : STEP_NEXT);
        assert_int_equal(fixture_refusal(&fixture)->reason,
                         rows[i].spoilt ? REFUSAL_IMAGE_NOT_QUEUED : REFUSAL_NONE);
        if (rows[i].spoilt)
            assert_non_null(
                strstr(fixture_refusal(&fixture)->detail, "delete it and create a new one"));
        fixture_end(&fixture);
    }
}

/* This proxy knows how many bytes were sent. */
static void a_second_upload_is_told_of_the_first(void **state)
{
    static const char *const statuses[] = {"uploading", "saving"};
    static const struct {
        struct upload_lock_facts facts;
        const char *detail;
    } rows[] = {
        {{.size_known = true, .size = 300},
         "it began 90 s ago, and Glance has 200 of its 300 bytes"},
        {{.size_known = false}, "it began 90 s ago, and Glance has 200 bytes of it"},
    };
    for (size_t i = 0; i < 4; i++) {
        static const _Atomic uint64_t bytes = 200;
        struct fixture fixture;
        struct upload_lock *first;
        struct upload_lock_facts facts = rows[i / 2].facts;
        facts.began_wall_ms = clock_wall_ms() - 90050;
        begin(&fixture, state, statuses[i % 2], "raw", "bare");
        first = upload_lock_new(fixture.parts.upload_locks, "image", &facts, &bytes);
        assert_int_equal(upload_lock_send(first, false), UPLOAD_LOCK_SENT);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_image),
                       REFUSAL_UPLOAD_IN_PROGRESS, rows[i / 2].detail);
        upload_lock_release(first);
        fixture_end(&fixture);
    }
}

/* Everybody who sees the image gets this far, also without the right to upload. */
static void a_lock_of_a_queued_image_stops_nobody(void **state)
{
    for (int sent = 0; sent < 2; sent++) {
        static const _Atomic uint64_t bytes = 3;
        const struct upload_lock_facts facts = {.began_wall_ms = clock_wall_ms()};
        struct fixture fixture;
        begin(&fixture, state, "queued", "raw", "bare");
        struct upload_lock *first =
            upload_lock_new(fixture.parts.upload_locks, "image", &facts, &bytes);
        if (sent)
            assert_int_equal(upload_lock_send(first, false), UPLOAD_LOCK_SENT);
        assert_outcome(&fixture, fixture_run(&fixture, upload_check_image), REFUSAL_NONE, NULL);
        upload_lock_release(first);
        fixture_end(&fixture);
    }
}

/* Nobody is uploading any more: the image waits for its import. */
static void a_finished_stage_has_a_size(void **state)
{
    static const _Atomic uint64_t bytes;
    const struct upload_lock_facts facts = {0};
    struct fixture fixture;
    begin(&fixture, state, "uploading", "raw", "bare");
    fixture.image->size_known = true;
    struct upload_lock *first =
        upload_lock_new(fixture.parts.upload_locks, "image", &facts, &bytes);
    assert_int_equal(upload_lock_send(first, false), UPLOAD_LOCK_SENT);
    assert_int_equal(image_check_lock(fixture.x, fixture.check, fixture.size), STEP_NEXT);
    assert_outcome(&fixture, fixture_run(&fixture, upload_check_image), REFUSAL_IMAGE_NOT_QUEUED,
                   "its status is uploading");
    upload_lock_release(first);
    fixture_end(&fixture);
}

static void the_lock_ends_with_the_upload(void **state)
{
    const struct upload_lock_facts facts = {0};
    static const _Atomic uint64_t bytes;
    struct upload_lock_facts first;
    struct fixture fixture;
    begin(&fixture, state, "queued", "raw", "bare");
    fixture.size->known = true;
    fixture.size->bytes = 300;
    fixture_record(&fixture)->bytes = 7;
    assert_int_equal(fixture_run(&fixture, upload_check_image), STEP_NEXT);
    struct upload_lock *second =
        upload_lock_new(fixture.parts.upload_locks, "image", &facts, &bytes);
    assert_false(upload_lock_other(second, &first));
    assert_int_equal(upload_lock_send(fixture.check->lock, false), UPLOAD_LOCK_SENT);
    assert_true(upload_lock_other(second, &first));
    assert_int_equal(first.began_wall_ms, fixture_record(&fixture)->began_wall_ms);
    assert_int_equal(first.bytes, 7);
    assert_true(first.size_known);
    assert_int_equal(first.size, 300);
    exchange_close_record(fixture.x);
    exchange_close_record(fixture.x);
    assert_false(upload_lock_other(second, &first));
    upload_lock_release(second);
    fixture_end(&fixture);
}

static void promises_of_the_image_are_kept(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "queued", "raw", "bare");
    fixture.image->sdk_sha256 =
        strdup("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    fixture.image->sdk_md5 =
        strdup(""); /* openstacksdk writes "" unless it is asked for a checksum */
    fixture.image->owner = strdup("p");
    assert_int_equal(fixture_run(&fixture, upload_check_image), STEP_NEXT);
    assert_int_equal(fixture.upload->image_promises.count, 1);
    assert_string_equal(fixture.upload->image_promises.rows[0].field,
                        "owner_specified.openstack.sha256");
    assert_string_equal(fixture.upload->image_promises.rows[0].algorithm, "sha256");
    assert_string_equal(fixture_record(&fixture)->project, "p");
    fixture_end(&fixture);
}

/* Glance answers what is wrong with the image. */
static void audit_mode_leaves_the_image_to_glance(void **state)
{
    const struct upload_lock_facts facts = {0};
    static const _Atomic uint64_t bytes;
    static const uint64_t noted =
        UINT64_C(1) << REFUSAL_UPLOAD_IN_PROGRESS | UINT64_C(1) << REFUSAL_FORMATS_UNSET;
    struct fixture fixture;
    begin(&fixture, state, "saving", NULL, NULL);
    fixture_audit(&fixture, AUDIT_ON);
    struct upload_lock *first =
        upload_lock_new(fixture.parts.upload_locks, "image", &facts, &bytes);
    assert_int_equal(upload_lock_send(first, false), UPLOAD_LOCK_SENT);
    assert_outcome(&fixture, fixture_run(&fixture, upload_check_image), REFUSAL_NONE, NULL);
    assert_true(fixture_record(&fixture)->audit_reasons == noted);
    upload_lock_release(first);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_image_must_be_queued_and_have_its_formats),
        FIXTURE_TEST(a_queued_image_with_a_hash_or_stores_is_spoilt),
        FIXTURE_TEST(a_second_upload_is_told_of_the_first),
        FIXTURE_TEST(a_lock_of_a_queued_image_stops_nobody),
        FIXTURE_TEST(a_finished_stage_has_a_size),
        FIXTURE_TEST(the_lock_ends_with_the_upload),
        FIXTURE_TEST(promises_of_the_image_are_kept),
        FIXTURE_TEST(audit_mode_leaves_the_image_to_glance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
