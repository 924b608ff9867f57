/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/ingest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, bool locations)
{
    bool seen = !locations;
    const char *fault = update_read(text, strlen(text), &seen);
    if (fault || seen != locations)
        fail_msg("%s: %s", text, fault ? fault : seen ? "locations" : "no locations");
}

/* Glance decodes each of the first kind to a list that begins with "locations". */
static void a_pointer_counts_by_its_first_part(void **state)
{
    (void)state;
    static const struct {
        const char *pointer; /* as written in the JSON */
        bool locations;
    } rows[] = {
        {"/locations", true},
        {"/locations/-", true},
        {"/locations/0", true},
        {"locations", true}, /* which Glance refuses */
        {"//locations", true},
        {"///locations/-", true},
        {"/ locations", true},
        {"/locations /-", true},
        {"/\\t\\n\\r\\f\\u000blocations\\u001c\\u001d\\u001e\\u001f/1", true},
        {"/\\u00a0\\u1680\\u2000\\u200alocations\\u2028\\u2029\\u202f\\u205f\\u3000\\u0085", true},
        {"/\xe2\x80\x83locations", true},
        {"\\u002flocations", true},
        {"/\\u006cocation\\u0073", true},
        {"/locations\\u0000", true},
        {"/Locations", false},
        {"/location", false},
        {"/locations2", false},
        {"/xlocations", false},
        {"/\\u200blocations", false}, /* no blank to Python */
        {"/~1locations", false},
        {"/~0locations", false},
        {"/locations~1-", false},
        {"/loc~01ations", false},
        {"/ /locations", false},
        {"/name/locations", false},
        {"/\\u0000locations", false},
        {" /locations", false},
        {"/", false},
        {"", false},
        {"/ ", false},
        {"/name", false},
        {"/tags", false},
    };
    static const struct {
        const char *before, *after;
    } dialects[] = {
        {"[{\"op\": \"add\", \"path\": \"", "\", \"value\": \"x\"}]"},
        {"[{\"op\": \"remove\", \"path\": \"", "\"}]"},
        {"[{\"add\": \"", "\", \"value\": \"x\"}]"},
        {"[{\"replace\": \"", "\", \"value\": []}]"},
        {"[{\"remove\": \"", "\"}]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < sizeof dialects / sizeof dialects[0]; k++) {
            char text[256];
            snprintf(text, sizeof text, "%s%s%s", dialects[k].before, rows[i].pointer,
                     dialects[k].after);
            expect(text, rows[i].locations);
        }
}

static void one_change_among_many_is_enough(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool locations;
    } rows[] = {
        {"[]", false},
        {"[{\"op\": \"replace\", \"path\": \"/name\", \"value\": \"/locations\"}]", false},
        {"[{\"op\": \"add\", \"path\": \"/a\", \"value\": {\"path\": \"/locations\"}}]", false},
        {"[{\"op\": \"add\", \"path\": \"/a\", \"value\": 1},"
         " {\"op\": \"add\", \"path\": \"/locations/-\", \"value\": {}},"
         " {\"op\": \"add\", \"path\": \"/b\", \"value\": 1}]",
         true},
        {"[1, {\"remove\": \"/locations/0\"}]", true},
        /* one dialect would see the one, the other the other */
        {"[{\"op\": \"add\", \"path\": \"/a\", \"add\": \"/locations/-\", \"value\": 1}]", true},
        {"[{\"path\": [\"/locations\"]}]", false},
        {"{\"op\": \"add\", \"path\": \"/locations\"}", false}, /* no list: Glance takes none */
        {"{}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].text, rows[i].locations);
}

static void unreadable_update_is_reported(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"", "it is no JSON text in UTF-8"},
        {"[{\"op\": \"add\", \"path\": \"/a\", \"path\": \"/locations\"}]", "it has one key twice"},
        {"[{\"op\": \"add\", \"path\": \"/locations\", \"path\": \"/a\"}]", "it has one key twice"},
        {"[{\"add\": \"/a\", \"\\u0061dd\": \"/locations\"}]", "it has one key twice"},
        {"[{\"path\": \"/a\"}", "it is no JSON text in UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool locations = true;
        const char *fault = update_read(rows[i].text, strlen(rows[i].text), &locations);
        assert_non_null(fault);
        assert_string_equal(fault, rows[i].fault);
        assert_false(locations);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pointer_counts_by_its_first_part),
        cmocka_unit_test(one_change_among_many_is_enough),
        cmocka_unit_test(unreadable_update_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
