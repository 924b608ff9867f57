/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

#define WATCHED "rules:\n  - {name: watched, when: {name: w}, store: file, mode: audit}\n"
#define DEFAULT "default: {store: test}\n"

static const char *const NO_FIELDS[] = {NULL};

static void begin(struct scene *scene, void **state, enum audit audit)
{
    scene_begin(scene, state, NO_FIELDS);
    scene_audit(scene, audit);
}

static void the_policy_says_where_it_begins(void **state)
{
    static const struct {
        const char *policy;
        enum audit audit;
    } rows[] = {
        {DEFAULT, AUDIT_OFF},
        {"mode: enforce\n" DEFAULT, AUDIT_OFF},
        {WATCHED DEFAULT, AUDIT_UNDECIDED},
        {"mode: audit\n" DEFAULT, AUDIT_ON},
        {"mode: audit\n" WATCHED DEFAULT, AUDIT_ON},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, AUDIT_OFF);
        scene_policy(&scene, state, rows[i].policy);
        audit_begin(scene.x);
        assert_int_equal(scene.x->audit.mode, rows[i].audit);
        assert_int_equal(audit_only(scene.x), rows[i].audit == AUDIT_ON);
        scene_end(&scene);
    }
}

static void where_it_is_enforced_an_objection_refuses(void **state)
{
    struct scene scene;
    begin(&scene, state, AUDIT_OFF);
    assert_outcome(&scene, report_violation(scene.x, REFUSAL_CONTENT_RANGE), REFUSAL_CONTENT_RANGE,
                   NULL);
    scene_end(&scene);
    begin(&scene, state, AUDIT_OFF);
    assert_outcome(&scene, report_violation_for(scene.x, REFUSAL_TOO_LARGE, "%d bytes", 7),
                   REFUSAL_TOO_LARGE, "7 bytes");
    assert_true(scene_record(&scene)->audit_reasons == 0);
    scene_end(&scene);
}

static void where_it_is_watched_an_objection_is_noted_once(void **state)
{
    static const uint64_t noted = UINT64_C(1) << REFUSAL_TOO_LARGE | UINT64_C(1)
                                                                         << REFUSAL_EMPTY_BODY;
    char text[1024];
    struct scene scene;
    begin(&scene, state, AUDIT_ON);
    for (int i = 0; i < 3; i++)
        assert_outcome(&scene, report_violation_for(scene.x, REFUSAL_TOO_LARGE, "%d bytes", i),
                       REFUSAL_NONE, NULL);
    assert_outcome(&scene, report_violation(scene.x, REFUSAL_EMPTY_BODY), REFUSAL_NONE, NULL);
    assert_true(scene_record(&scene)->audit_reasons == noted);
    assert_logged(&scene, "req-1: would be refused: too_large: 0 bytes\n");
    assert_logged(&scene, "req-1: would be refused: empty_body\n");
    scene_log(&scene, text, sizeof text);
    assert_null(strstr(text, "1 bytes"));
    scene_end(&scene);
}

/* A rule that watches is as good as none until it is known to apply. */
static void what_is_undecided_is_kept(void **state)
{
    for (int watches = 0; watches < 2; watches++) {
        struct scene scene;
        begin(&scene, state, AUDIT_UNDECIDED);
        assert_outcome(&scene, report_violation_for(scene.x, REFUSAL_EMPTY_BODY, "%s", "none"),
                       REFUSAL_NONE, NULL);
        assert_outcome(&scene, report_violation(scene.x, REFUSAL_CONTENT_RANGE), REFUSAL_NONE,
                       NULL);
        assert_true(scene_record(&scene)->audit_reasons == 0);
        assert_logged(&scene, NULL);
        scene.decision->audit = watches;
        assert_outcome(&scene, audit_decided(scene.x, scene.decision->audit),
                       watches ? REFUSAL_NONE : REFUSAL_EMPTY_BODY, watches ? NULL : "none");
        assert_int_equal(audit_only(scene.x), watches);
        if (watches)
            assert_logged(&scene, "would be refused: empty_body: none\n");
        if (watches)
            assert_logged(&scene, "would be refused: content_range\n");
        scene_end(&scene);
    }
}

/* It is the first that counts. */
static void of_too_many_the_last_are_dropped(void **state)
{
    struct scene scene;
    begin(&scene, state, AUDIT_UNDECIDED);
    for (int i = 0; i < PENDING_MAX + 2; i++)
        assert_int_equal(report_violation_for(scene.x, REFUSAL_TOO_LARGE, "%d", i), STEP_NEXT);
    assert_int_equal(scene.x->audit.pending_count, PENDING_MAX);
    assert_outcome(&scene, audit_decided(scene.x, scene.decision->audit), REFUSAL_TOO_LARGE, "0");
    scene_end(&scene);
}

static void a_decision_may_be_made_again(void **state)
{
    static const struct {
        enum audit before;
        bool watches;
        enum audit after;
    } rows[] = {
        {AUDIT_OFF, false, AUDIT_OFF},
        {AUDIT_OFF, true, AUDIT_ON}, /* the size has told */
        {AUDIT_ON, true, AUDIT_ON},
        {AUDIT_ON, false, AUDIT_ON}, /* what went on as it came is not held up any more */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, rows[i].before);
        scene.decision->audit = rows[i].watches;
        assert_int_equal(audit_decided(scene.x, scene.decision->audit), STEP_NEXT);
        assert_int_equal(scene.x->audit.mode, rows[i].after);
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_policy_says_where_it_begins),
        SCENE_TEST(where_it_is_enforced_an_objection_refuses),
        SCENE_TEST(where_it_is_watched_an_objection_is_noted_once),
        SCENE_TEST(what_is_undecided_is_kept),
        SCENE_TEST(of_too_many_the_last_are_dropped),
        SCENE_TEST(a_decision_may_be_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
