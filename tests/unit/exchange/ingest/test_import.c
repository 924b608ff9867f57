/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/ingest/ingest_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/exchange/ingest/buffered_import.h"

/* --- what is forwarded -------------------------------------------------------------------- */

static void the_store_becomes_the_one_of_the_policy(void **state)
{
    static const struct {
        const char *name, *header, *text;
        const char *rule, *store; /* as the record has them */
        const char *sent;         /* the body's text; NULL: the client's own */
        const char *field;        /* the header that Glance gets */
    } rows[] = {
        {"", NULL, "{" DIRECT "}", "default", "test", NULL, "test"},
        {"", "file", "{" DIRECT "}", "default", "test", NULL, "test"},
        {"", "file", "{ " DIRECT ", \"stores\": []}", "default", "test", REWRITTEN, NULL},
        {"", NULL, "{" DIRECT ", \"stores\": [\"file\"]}", "default", "test", REWRITTEN, NULL},
        {"", NULL, "{" DIRECT ", \"all_stores\": true}", "default", "test", REWRITTEN, NULL},
        {"choice", NULL, "{" DIRECT "}", "choice", "file", NULL, "file"},
        {"", NULL, "{\"method\": {\"name\": \"web-download\"}}", "fetched", "file", NULL, "file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, rows[i].header, rows[i].text, GLANCE_HAS);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_NONE, NULL);
        assert_text(fixture_record(&fixture)->rule, rows[i].rule);
        assert_text(fixture_record(&fixture)->store, rows[i].store);
        assert_text(fixture_record(&fixture)->project, "demo");
        assert_int_equal(fixture_record(&fixture)->fixes, FIX_STORE);
        assert_text(buffer_text(fixture_json(&fixture)),
                    rows[i].sent ? rows[i].sent : rows[i].text);
        assert_true(headers_add(&fixture.out, "x_image-meta_store", "file"));
        assert_true(headers_add(&fixture.out, "Content-MD5", "of the body"));
        assert_true(import_change_headers(fixture.x, &fixture.out));
        assert_field(&fixture.out, "X-Image-Meta-Store", rows[i].field);
        assert_field(&fixture.out, "Content-MD5", rows[i].sent ? NULL : "of the body");
        fixture_end(&fixture);
    }
}

static void a_right_import_is_not_changed(void **state)
{
    static const struct {
        const char *name, *header, *text, *store, *stores;
    } rows[] = {
        {"", "test", "{" DIRECT "}", "test", GLANCE_HAS},
        {"", NULL, "{" DIRECT ", \"stores\": [ \"test\" ]}", "test", GLANCE_HAS},
        {"", "test", "{" DIRECT ", \"stores\": [\"test\"]}", "test", NULL},
        {"choice", NULL, "{" DIRECT ", \"stores\": [\"test\", \"file\"]}", "test, file",
         GLANCE_HAS},
        {"choice", NULL, "{" DIRECT ", \"all_stores\": true}", "file, test", GLANCE_HAS},
        {"any", NULL, "{" DIRECT ", \"all_stores\": true}", NULL, NULL},
        {"any", NULL, "{" DIRECT ", \"stores\": [\"made-up\"]}", "made-up", NULL},
        {"", "test", "{\"method\": {\"name\": \"copy-image\"}}", "test", GLANCE_HAS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, rows[i].header, rows[i].text, rows[i].stores);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_NONE, NULL);
        assert_text(fixture_record(&fixture)->store, rows[i].store);
        assert_int_equal(fixture_record(&fixture)->fixes, 0);
        assert_text(buffer_text(fixture_json(&fixture)), rows[i].text);
        assert_true(headers_add(&fixture.out, "x_image-meta_store", "as it came"));
        assert_true(import_change_headers(fixture.x, &fixture.out));
        assert_field(&fixture.out, "X-Image-Meta-Store", "as it came");
        fixture_end(&fixture);
    }
}

/* --- violations ---------------------------------------------------------------------------- */

static void violations_of_an_import_are_refused(void **state)
{
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        struct fixture fixture;
        begin(&fixture, state, REFUSED[i].name, REFUSED[i].header, REFUSED[i].text, GLANCE_HAS);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSED[i].refusal,
                       REFUSED[i].detail);
        assert_int_equal(fixture_record(&fixture)->fixes, 0);
        assert_int_equal(fixture_record(&fixture)->audit_reasons, 0);
        fixture_end(&fixture);
    }
}

/* A staged image has a size, and so has one that is copied. */
static void the_size_in_glance_is_checked(void **state)
{
    static const struct {
        const char *method;
        uint64_t size;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"glance-direct", 50, REFUSAL_NONE, NULL},
        {"glance-direct", 51, REFUSAL_TOO_LARGE, "it has 51 bytes, and the limit is 50"},
        {"copy-image", 51, REFUSAL_TOO_LARGE, "it has 51 bytes, and the limit is 50"},
        {"glance-direct", 101, REFUSAL_DENIED_BY_POLICY, "too much of it"},
        {"web-download", 101, REFUSAL_NONE, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        char text[128];
        snprintf(text, sizeof text, "{\"method\": {\"name\": \"%s\"}}", rows[i].method);
        begin(&fixture, state, "sized", NULL, text, GLANCE_HAS);
        fixture.image->size_known = true;
        fixture.image->size = rows[i].size;
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), rows[i].refusal,
                       rows[i].detail);
        fixture_end(&fixture);
    }
}

/* Glance would import the part that has come so far. */
static void an_image_with_an_upload_under_way_is_not_imported(void **state)
{
    const struct upload_lock_facts facts = {.began_wall_ms = clock_wall_ms() - 2050};
    static const _Atomic uint64_t bytes = 200;
    struct upload_lock_facts other;
    struct fixture fixture;
    begin(&fixture, state, "", NULL, "{" DIRECT "}", GLANCE_HAS);
    free(fixture.image->status);
    fixture.image->status = strdup("uploading");
    fixture.image->size_known = false;
    struct upload_lock *first =
        upload_lock_new(fixture.parts.upload_locks, "image", &facts, &bytes);
    assert_int_equal(upload_lock_send(first, false), UPLOAD_LOCK_SENT);
    assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_UPLOAD_IN_PROGRESS,
                   "it began 2 s ago, and Glance has 200 bytes of it");
    upload_lock_release(first);
    fixture_end(&fixture);

    begin(&fixture, state, "", NULL, "{" DIRECT "}", GLANCE_HAS);
    assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_NONE, NULL);
    struct upload_lock *second =
        upload_lock_new(fixture.parts.upload_locks, "image", &facts, &bytes);
    assert_true(upload_lock_other(second, &other));
    upload_lock_release(second);
    fixture_end(&fixture);
}

/* The client sends the name, which may be as long as the body. */
static void a_long_method_is_cut_in_the_record(void **state)
{
    struct fixture fixture;
    char text[1024];
    snprintf(text, sizeof text, "{\"method\": {\"name\": \"%0500d\"}}", 0);
    begin(&fixture, state, "", NULL, text, GLANCE_HAS);
    assert_int_equal(fixture_run(&fixture, import_decide), STEP_REFUSE);
    assert_int_equal(strlen(fixture_record(&fixture)->method), POLICY_NAME_MAX);
    fixture_end(&fixture);
}

/* Also if another proxy stages it: the status tells, and that there is no size yet. */
static void an_unfinished_stage_is_not_imported(void **state)
{
    static const struct {
        const char *status, *text;
        bool size_known, old_glance, refused;
    } rows[] = {
        {"uploading", "{" DIRECT "}", false, false, true},
        {"uploading", "{" DIRECT "}", true, false, false},
        {"uploading", "{" DIRECT "}", false, true, false}, /* this Glance sets no size at all */
        {"queued", "{" DIRECT "}", false, false, false},   /* Glance refuses that */
        {"uploading", "{\"method\": {\"name\": \"web-download\"}}", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, "", NULL, rows[i].text, GLANCE_HAS);
        free(fixture.image->status);
        fixture.image->status = strdup(rows[i].status);
        fixture.image->size_known = rows[i].size_known;
        if (rows[i].old_glance)
            stores_learn_stage_size(fixture.parts.stores, false);
        assert_int_equal(fixture_run(&fixture, import_decide),
                         rows[i].refused ? STEP_REFUSE : STEP_NEXT);
        assert_int_equal(fixture_refusal(&fixture)->reason,
                         rows[i].refused ? REFUSAL_UPLOAD_IN_PROGRESS : REFUSAL_NONE);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_unfinished_stage_is_not_imported),
        FIXTURE_TEST(the_store_becomes_the_one_of_the_policy),
        FIXTURE_TEST(a_right_import_is_not_changed),
        FIXTURE_TEST(violations_of_an_import_are_refused),
        FIXTURE_TEST(the_size_in_glance_is_checked),
        FIXTURE_TEST(an_image_with_an_upload_under_way_is_not_imported),
        FIXTURE_TEST(a_long_method_is_cut_in_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
