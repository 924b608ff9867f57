/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

#define DIRECT    "\"method\": {\"name\": \"glance-direct\"}"
#define REWRITTEN "{\"method\":{\"name\":\"glance-direct\"},\"stores\":[\"test\"]}"

/* Rules are chosen by the image's name. */
static const char POLICY[] =
    "rules:\n"
    "  - {name: denied, when: {name: denied}, deny: not here}\n"
    "  - {name: choice, when: {name: choice}, store: file, mode: default, allow: [file, test]}\n"
    "  - {name: any, when: {name: any}, store: file, mode: default}\n"
    "  - {name: gold, when: {name: gold}, store: gold, mode: force}\n"
    "  - {name: large, when: {name: sized, larger_than: 100B}, deny: too much of it}\n"
    "  - {name: sized, when: {name: sized}, store: test, mode: force, max_size: 50B}\n"
    "  - {name: watched, when: {name: watched}, store: test, mode: audit}\n"
    "  - {name: fetched, when: {import_method: [web-download]}, store: file, mode: force}\n"
    "default: {store: test, mode: force}\n"
    "doors: {import_methods: [glance-direct, web-download, copy-image]}\n";

static const char GLANCE_HAS[] = "{\"stores\": [{\"id\": \"file\"}, {\"id\": \"test\"}]}";

/* The body is buffered, and Glance has told of the image, and of its stores unless `stores` is
 * NULL. */
static void begin(struct fixture *fixture, void **state, const char *name, const char *header,
                  const char *text, const char *stores)
{
    const char *const fields[] = {header ? "X-Image-Meta-Store" : NULL, header, NULL};
    fixture_begin_ingest(fixture, state, ROUTE_IMPORT, fields, POLICY, strlen(text));
    fixture->image->name = strdup(name);
    fixture->image->status = strdup("queued");
    fixture->image->owner = strdup("demo");
    if (stores)
        assert_true(stores_learn(fixture->parts.stores, stores, strlen(stores)));
    buffer_init(fixture_json(fixture), 4096);
    assert_true(buffer_append(fixture_json(fixture), text, strlen(text)));
    assert_int_equal(fixture_run(fixture, import_begin), STEP_NEXT);
    assert_int_equal(fixture_record(fixture)->kind, RECORD_IMPORT);
}

static void assert_text(const char *is, const char *wanted)
{
    if ((is == NULL) != (wanted == NULL) || (is && strcmp(is, wanted) != 0))
        fail_msg("%s, not %s", is ? is : "nothing", wanted ? wanted : "nothing");
}

/* Glance gets what the client has sent. */
static void assert_unchanged(struct fixture *fixture)
{
    uint64_t length;
    assert_true(headers_add(&fixture->out, "X-Image-Meta-Store", "as it came"));
    assert_true(import_change_headers(fixture->x, &fixture->out));
    assert_field(&fixture->out, "X-Image-Meta-Store", "as it came");
    assert_false(import_rewritten(fixture->x, &length));
}

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

static const struct {
    const char *name, *header, *text;
    enum refusal refusal;
    const char *detail;
} REFUSED[] = {
    {"denied", NULL, "{" DIRECT "}", REFUSAL_DENIED_BY_POLICY, "not here"},
    {"", NULL, "{\"method\": {\"name\": \"glance-download\"}}", REFUSAL_DENIED_BY_POLICY,
     "imports by glance-download are closed"},
    {"choice", "gold", "{" DIRECT "}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and the policy allows file, test"},
    {"choice", NULL, "{" DIRECT ", \"stores\": [\"file\", \"gold\"]}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and the policy allows file, test"},
    {"any", NULL, "{" DIRECT ", \"stores\": [\"os_glance_tasks_store\"]}",
     REFUSAL_STORE_NOT_ALLOWED,
     "it asks for os_glance_tasks_store, and the policy allows any store but Glance's reserved "
     "ones"},
    {"any", NULL, "{" DIRECT ", \"stores\": [\"test\", \"gold\"]}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and Glance has file, test"},
    {"any", "gold", "{" DIRECT "}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and Glance has file, test"},
    {"gold", "file", "{" DIRECT "}", REFUSAL_STORE_UNKNOWN,
     "it names gold, and Glance has file, test"},
    {"", NULL, "{\"method\": {\"name\": \"copy-image\"}, \"stores\": [\"file\"]}",
     REFUSAL_STORE_NOT_ALLOWED, "it asks for file, and the policy allows test"},
    {"", NULL, "{" DIRECT ", " DIRECT "}", REFUSAL_JSON_MALFORMED, "it has one key twice"},
    {"", NULL, "[]", REFUSAL_JSON_MALFORMED, "it has no method with a name"},
};

enum { REFUSED_COUNT = sizeof REFUSED / sizeof REFUSED[0] };

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
    const struct upload_lock_facts facts = {.began_wall_ms = clock_wall_ms() - 2400};
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

/* --- audit mode ---------------------------------------------------------------------------- */

static void watch_all(struct fixture *fixture, void **state)
{
    char text[sizeof POLICY + 32];
    snprintf(text, sizeof text, "mode: audit\n%s", POLICY);
    fixture_policy(fixture, state, text);
}

static void audit_mode_changes_no_import(void **state)
{
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        struct fixture fixture;
        begin(&fixture, state, REFUSED[i].name, REFUSED[i].header, REFUSED[i].text, GLANCE_HAS);
        watch_all(&fixture, state);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_NONE, NULL);
        assert_int_equal(fixture_record(&fixture)->audit_reasons, refusal_bit(REFUSED[i].refusal));
        assert_unchanged(&fixture);
        assert_text(buffer_text(fixture_json(&fixture)), REFUSED[i].text);
        assert_logged(&fixture, REFUSED[i].detail);
        fixture_end(&fixture);
    }
}

/* One rule is in audit mode, or all of them. A body that cannot be read has no rule. */
static void audit_mode_notes_a_change_of_the_store(void **state)
{
    static const struct {
        const char *name, *header, *store;
        bool all;
        unsigned fixes;
    } rows[] = {
        {"watched", NULL, NULL, false, FIX_STORE}, {"watched", "file", "file", false, FIX_STORE},
        {"watched", "test", "test", false, 0},     {"", NULL, NULL, true, FIX_STORE},
        {"", "file", "file", true, FIX_STORE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].name, rows[i].header, "{" DIRECT "}", GLANCE_HAS);
        if (rows[i].all)
            watch_all(&fixture, state);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), REFUSAL_NONE, NULL);
        assert_int_equal(fixture_record(&fixture)->audit_fixes, rows[i].fixes);
        assert_int_equal(fixture_record(&fixture)->fixes, 0);
        assert_unchanged(&fixture);
        assert_text(fixture_record(&fixture)->store, rows[i].store);
        fixture_end(&fixture);
    }
}

static void an_audit_rule_does_not_allow_a_closed_method(void **state)
{
    static const struct {
        const char *text;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"{\"method\": {\"name\": \"glance-download\"}}", REFUSAL_DENIED_BY_POLICY,
         "imports by glance-download are closed"},
        {"{", REFUSAL_JSON_MALFORMED, "it is no JSON text in UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, "watched", NULL, rows[i].text, GLANCE_HAS);
        assert_outcome(&fixture, fixture_run(&fixture, import_decide), rows[i].refusal,
                       rows[i].detail);
        fixture_end(&fixture);
    }
}

static void an_import_that_is_too_long_is_not_checked(void **state)
{
    struct fixture fixture;
    begin(&fixture, state, "", "file", "{" DIRECT "}", GLANCE_HAS);
    fixture.json->unchecked = true;
    assert_int_equal(fixture_run(&fixture, import_decide), STEP_NEXT);
    assert_null(fixture_record(&fixture)->rule);
    assert_unchanged(&fixture);
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
        FIXTURE_TEST(audit_mode_changes_no_import),
        FIXTURE_TEST(audit_mode_notes_a_change_of_the_store),
        FIXTURE_TEST(an_audit_rule_does_not_allow_a_closed_method),
        FIXTURE_TEST(an_import_that_is_too_long_is_not_checked),
        FIXTURE_TEST(a_long_method_is_cut_in_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
