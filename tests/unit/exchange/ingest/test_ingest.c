/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

#define PATCH "application/openstack-images-v2.1-json-patch"

static const char CLOSED[] = "default: {store: test}\n";
static const char LOCATIONS_OPEN[] = "default: {store: test}\ndoors: {locations: open}\n";
static const char TASKS_OPEN[] = "default: {store: test}\ndoors: {tasks: open}\n";
static const char EXEMPT[] = "default: {store: test}\ndoors: {exempt: [192.0.2.0/24]}\n";
static const char AUDIT[] = "mode: audit\ndefault: {store: test}\n";
static const char SOME_AUDIT[] =
    "rules: [{name: all, store: test, mode: audit}]\ndefault: {store: test}\n";

static const char POINTS[] = "[{\"op\": \"add\", \"path\": \"/locations/-\", \"value\": {}}]";

/* A request by `kind`, with the body `text`; "": none. */
static void begin(struct fixture *fixture, void **state, const char *policy, enum route_kind kind,
                  const char *const *fields, const char *text)
{
    fixture_begin_ingest(fixture, state, kind, fields, policy, strlen(text));
    buffer_init(fixture_json(fixture), 1024);
    assert_true(buffer_append(fixture_json(fixture), text, strlen(text)));
}

static const struct step *find_step(const struct step *steps, const char *name)
{
    for (; steps->run; steps++)
        if (strcmp(steps->name, name) == 0)
            return steps;
    return NULL;
}

/* --- kinds -------------------------------------------------------------------------------- */

static void requests_get_their_steps_by_route_and_policy(void **state)
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
        struct fixture fixture;
        begin(&fixture, state, rows[i].policy, rows[i].kind, rows[i].fields, rows[i].text);
        const struct step *steps = fixture_steps(&fixture);
        if (strcmp(steps->name, rows[i].step) != 0)
            fail_msg("row %zu: %s", i, steps->name);
        assert_non_null(find_step(steps, "forward"));
        fixture_end(&fixture);
    }
}

static void a_chunked_update_is_buffered(void **state)
{
    static const char *const patch[] = {"Content-Type", PATCH, NULL};
    struct fixture fixture;
    fixture_begin_ingest(&fixture, state, ROUTE_UPDATE, patch, CLOSED, UINT64_MAX);
    assert_string_equal(fixture_steps(&fixture)->name, "hold");
    fixture_end(&fixture);
}

static void only_a_relay_keeps_the_spelling_of_its_path(void **state)
{
    static const char *const none[] = {NULL};
    assert_false(RELAY_KIND.canonical);
    for (int kind = ROUTE_IMPORT; kind <= ROUTE_TASKS; kind++) {
        struct fixture fixture;
        begin(&fixture, state, CLOSED, (enum route_kind)kind, none, "");
        assert_true(((const struct relay_kind *)fixture.x->kind)->canonical);
        fixture_end(&fixture);
    }
}

/* --- closed routes ------------------------------------------------------------------------ */

static void a_closed_ingest_is_refused_or_noted(void **state)
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
            struct fixture fixture;
            bool watched = policies[k] == AUDIT;
            begin(&fixture, state, policies[k], rows[i].kind, none, "{}");
            assert_outcome(&fixture, fixture_run_named(&fixture, "object"),
                           watched ? REFUSAL_NONE : REFUSAL_DENIED_BY_POLICY,
                           watched ? NULL : rows[i].detail);
            assert_int_equal(fixture_record(&fixture)->kind, rows[i].ingest);
            assert_int_equal(fixture_record(&fixture)->audit_reasons,
                             watched ? refusal_bit(REFUSAL_DENIED_BY_POLICY) : 0);
            assert_logged(&fixture, watched ? rows[i].detail : NULL);
            fixture_end(&fixture);
        }
}

/* --- updates -------------------------------------------------------------------------------- */

static void an_update_is_checked_for_locations(void **state)
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
            struct fixture fixture;
            bool watched = policies[k] == AUDIT;
            begin(&fixture, state, policies[k], ROUTE_UPDATE, patch, rows[i].text);
            assert_outcome(&fixture, fixture_run_named(&fixture, "look"),
                           watched ? REFUSAL_NONE : rows[i].refusal,
                           watched ? NULL : rows[i].detail);
            assert_int_equal(fixture_record(&fixture) != NULL, rows[i].refusal != REFUSAL_NONE);
            if (fixture_record(&fixture) && watched)
                assert_int_equal(fixture_record(&fixture)->audit_reasons,
                                 refusal_bit(rows[i].refusal));
            fixture_end(&fixture);
        }
}

/* The part that is buffered says nothing about the rest. */
static void an_update_that_is_too_long_is_not_checked(void **state)
{
    static const char *const patch[] = {"Content-Type", PATCH, NULL};
    struct fixture fixture;
    begin(&fixture, state, AUDIT, ROUTE_UPDATE, patch, POINTS);
    fixture.json->unchecked = true;
    assert_int_equal(fixture_run_named(&fixture, "look"), STEP_NEXT);
    assert_null(fixture_record(&fixture));
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(requests_get_their_steps_by_route_and_policy),
        FIXTURE_TEST(a_chunked_update_is_buffered),
        FIXTURE_TEST(only_a_relay_keeps_the_spelling_of_its_path),
        FIXTURE_TEST(a_closed_ingest_is_refused_or_noted),
        FIXTURE_TEST(an_update_is_checked_for_locations),
        FIXTURE_TEST(an_update_that_is_too_long_is_not_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
