/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

#define PATCH "application/openstack-images-v2.1-json-patch"

static const char CLOSED[] = "default: {store: test}\n";
static const char LOCATIONS_OPEN[] = "default: {store: test}\ndoors: {locations: open}\n";
static const char TASKS_OPEN[] = "default: {store: test}\ndoors: {tasks: open}\n";
static const char EXEMPT[] = "default: {store: test}\ndoors: {exempt: [192.0.2.0/24]}\n";
static const char AUDIT[] = "mode: audit\ndefault: {store: test}\n";
static const char SOME_AUDIT[] =
    "rules: [{name: all, store: test, mode: audit}]\ndefault: {store: test}\n";

static const char POINTS[] = "[{\"op\": \"add\", \"path\": \"/locations/-\", \"value\": {}}]";

/* A request at this door, with the body `text`, if any. */
static void begin(struct scene *scene, void **state, const char *policy, enum route_kind kind,
                  const char *const *fields, const char *text)
{
    scene_begin_ingest(scene, state, kind, fields, policy, strlen(text));
    buffer_init(scene_json(scene), 1024);
    assert_true(buffer_append(scene_json(scene), text, strlen(text)));
}

static const struct step *find_step(const struct step *steps, const char *name)
{
    for (; steps->run; steps++)
        if (strcmp(steps->name, name) == 0)
            return steps;
    return NULL;
}

/* --- which way ---------------------------------------------------------------------------- */

static void what_may_matter_takes_a_way_of_its_own(void **state)
{
    static const char *const patch[] = {"Content-Type", PATCH, NULL};
    static const char *const newer[] = {"Content-Type", "Application/X-JSON-Patch; v=9", NULL};
    static const char *const text[] = {"Content-Type", "text/plain", NULL};
    static const char *const twice[] = {"Content-Type", "text/plain", "Content_Type", "x", NULL};
    static const char *const none[] = {NULL};
    static const struct {
        const char *policy;
        enum route_kind kind;
        const char *const *fields;
        const char *text;
        const char *step; /* the first one; "invite": the relay's */
    } rows[] = {
        {CLOSED, ROUTE_LOCATIONS, none, "{}", "object"},
        {CLOSED, ROUTE_LOCATIONS, none, "", "object"},
        {CLOSED, ROUTE_TASKS, none, "{}", "object"},
        {CLOSED, ROUTE_UPDATE, patch, "[]", "hold"},
        {CLOSED, ROUTE_UPDATE, newer, "[]", "hold"},
        {CLOSED, ROUTE_UPDATE, twice, "[]", "hold"},
        {CLOSED, ROUTE_UPDATE, text, "[]", "invite"},
        {CLOSED, ROUTE_UPDATE, none, "[]", "invite"},
        {CLOSED, ROUTE_UPDATE, patch, "", "invite"},
        {CLOSED, ROUTE_IMPORT, none, "{}", "begin"},
        {CLOSED, ROUTE_IMPORT, none, "", "invite"},
        {LOCATIONS_OPEN, ROUTE_LOCATIONS, none, "{}", "invite"},
        {LOCATIONS_OPEN, ROUTE_UPDATE, patch, "[]", "invite"},
        {LOCATIONS_OPEN, ROUTE_TASKS, none, "{}", "object"},
        {TASKS_OPEN, ROUTE_TASKS, none, "{}", "invite"},
        {TASKS_OPEN, ROUTE_LOCATIONS, none, "{}", "object"},
        {EXEMPT, ROUTE_TASKS, none, "{}", "invite"},
        {EXEMPT, ROUTE_LOCATIONS, none, "{}", "invite"},
        {EXEMPT, ROUTE_UPDATE, patch, "[]", "invite"},
        {EXEMPT, ROUTE_IMPORT, none, "{}", "begin"},
        {AUDIT, ROUTE_TASKS, none, "{}", "object"},
        {AUDIT, ROUTE_UPDATE, patch, "[]", "hold"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, rows[i].policy, rows[i].kind, rows[i].fields, rows[i].text);
        const struct step *steps = scene.x->kind->steps;
        if (strcmp(steps->name, rows[i].step) != 0)
            fail_msg("row %zu: %s", i, steps->name);
        assert_non_null(find_step(steps, "forward"));
        scene_end(&scene);
    }
}

static void chunked_is_a_body_too(void **state)
{
    static const char *const patch[] = {"Content-Type", PATCH, NULL};
    struct scene scene;
    scene_begin_ingest(&scene, state, ROUTE_UPDATE, patch, CLOSED, UINT64_MAX);
    assert_string_equal(scene.x->kind->steps->name, "hold");
    scene_end(&scene);
}

static void only_what_is_passed_on_unread_keeps_its_spelling(void **state)
{
    static const char *const none[] = {NULL};
    assert_false(RELAY_KIND.canonical);
    for (int kind = ROUTE_IMPORT; kind <= ROUTE_TASKS; kind++) {
        struct scene scene;
        begin(&scene, state, CLOSED, (enum route_kind)kind, none, "");
        assert_true(((const struct relay_kind *)scene.x->kind)->canonical);
        scene_end(&scene);
    }
}

/* --- closed ------------------------------------------------------------------------------- */

static void what_is_closed_is_told_or_only_noted(void **state)
{
    static const char *const none[] = {NULL};
    static const struct {
        enum route_kind kind;
        enum record_kind ingest;
        const char *detail;
    } rows[] = {
        {ROUTE_LOCATIONS, RECORD_LOCATIONS,
         "POST .../locations points an image at data that did not come through here, and that is "
         "closed"},
        {ROUTE_TASKS, RECORD_TASK,
         "a task can import data that does not come through here, and tasks are closed"},
    };
    static const char *const policies[] = {CLOSED, SOME_AUDIT, AUDIT};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < sizeof policies / sizeof policies[0]; k++) {
            struct scene scene;
            bool watched = policies[k] == AUDIT;
            begin(&scene, state, policies[k], rows[i].kind, none, "{}");
            assert_outcome(&scene, scene_run_named(&scene, "object"),
                           watched ? REFUSAL_NONE : REFUSAL_DENIED_BY_POLICY,
                           watched ? NULL : rows[i].detail);
            assert_int_equal(scene_record(&scene)->kind, rows[i].ingest);
            assert_int_equal(scene_record(&scene)->audit_reasons,
                             watched ? refusal_bit(REFUSAL_DENIED_BY_POLICY) : 0);
            assert_logged(&scene, watched ? rows[i].detail : NULL);
            scene_end(&scene);
        }
}

/* --- looked at ------------------------------------------------------------------------------ */

static void an_update_is_looked_at(void **state)
{
    static const char *const patch[] = {"Content-Type", PATCH, NULL};
    static const struct {
        const char *text;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"[{\"op\": \"replace\", \"path\": \"/name\", \"value\": \"x\"}]", REFUSAL_NONE, NULL},
        {"{}", REFUSAL_NONE, NULL},
        {POINTS, REFUSAL_DENIED_BY_POLICY,
         "to change the locations of an image points it at data that did not come through here, "
         "and "
         "that is closed"},
        {"[{\"path\": \"/a\", \"path\": \"/b\"}]", REFUSAL_JSON_MALFORMED, "it has one key twice"},
    };
    static const char *const policies[] = {CLOSED, SOME_AUDIT, AUDIT};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < sizeof policies / sizeof policies[0]; k++) {
            struct scene scene;
            bool watched = policies[k] == AUDIT;
            begin(&scene, state, policies[k], ROUTE_UPDATE, patch, rows[i].text);
            assert_outcome(&scene, scene_run_named(&scene, "look"),
                           watched ? REFUSAL_NONE : rows[i].refusal,
                           watched ? NULL : rows[i].detail);
            assert_int_equal(scene_record(&scene) != NULL, rows[i].refusal != REFUSAL_NONE);
            if (scene_record(&scene) && watched)
                assert_int_equal(scene_record(&scene)->audit_reasons, refusal_bit(rows[i].refusal));
            scene_end(&scene);
        }
}

/* Its beginning might say anything. */
static void what_was_too_long_is_not(void **state)
{
    static const char *const patch[] = {"Content-Type", PATCH, NULL};
    struct scene scene;
    begin(&scene, state, AUDIT, ROUTE_UPDATE, patch, POINTS);
    scene.ingest->body.unchecked = true;
    assert_int_equal(scene_run_named(&scene, "look"), STEP_NEXT);
    assert_null(scene_record(&scene));
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(what_may_matter_takes_a_way_of_its_own),
        SCENE_TEST(chunked_is_a_body_too),
        SCENE_TEST(only_what_is_passed_on_unread_keeps_its_spelling),
        SCENE_TEST(what_is_closed_is_told_or_only_noted),
        SCENE_TEST(an_update_is_looked_at),
        SCENE_TEST(what_was_too_long_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
