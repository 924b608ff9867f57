/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about an upload that is held, by method and protocol. */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "route_rows.h"

#define TUS      "Tus-Resumable"
#define OVERRIDE "X-HTTP-Method-Override"
#define DRAFT    "Upload-Draft-Interop-Version"
#define COMPLETE "Upload-Complete"

static const struct {
    const char *method;
    const char *field, *other, *value; /* Tus-Resumable has 1.0.0, the draft's version is 8 */
    enum route_kind kind;
    enum resume_verb verb;
    enum resume_dialect dialect;
} rows[] = {
    {"HEAD", NULL, NULL, NULL, ROUTE_HELD, RESUME_TELL, RESUME_BY_RANGE},
    {"DELETE", NULL, NULL, NULL, ROUTE_HELD, RESUME_DROP, RESUME_BY_RANGE},
    {"OPTIONS", NULL, NULL, NULL, ROUTE_HELD, RESUME_DESCRIBE, RESUME_BY_RANGE},
    {"HEAD", TUS, NULL, NULL, ROUTE_HELD, RESUME_TELL, RESUME_BY_TUS},
    {"DELETE", TUS, NULL, NULL, ROUTE_HELD, RESUME_DROP, RESUME_BY_TUS},
    {"PATCH", TUS, NULL, NULL, ROUTE_HELD, RESUME_SEND, RESUME_BY_TUS},
    {"POST", TUS, NULL, NULL, ROUTE_CREATE, RESUME_CREATE, RESUME_BY_TUS},
    {"POST", TUS, OVERRIDE, "PATCH", ROUTE_HELD, RESUME_SEND, RESUME_BY_TUS},
    {"POST", TUS, OVERRIDE, "DELETE", ROUTE_HELD, RESUME_DROP, RESUME_BY_TUS},
    {"POST", TUS, OVERRIDE, "HEAD", ROUTE_HELD, RESUME_TELL, RESUME_BY_TUS},
    {"POST", TUS, OVERRIDE, "PUT", ROUTE_RELAY, 0, 0},
    {"POST", TUS, OVERRIDE, "patch", ROUTE_RELAY, 0, 0},
    {"POST", NULL, OVERRIDE, "PATCH", ROUTE_RELAY, 0, 0},
    {"GET", TUS, OVERRIDE, "DELETE", ROUTE_RELAY, 0, 0},
    {"PATCH", NULL, NULL, NULL, ROUTE_RELAY, 0, 0},
    {"POST", NULL, NULL, NULL, ROUTE_RELAY, 0, 0},
    {"GET", TUS, NULL, NULL, ROUTE_RELAY, 0, 0},
    {"PUT", TUS, NULL, NULL, ROUTE_UPLOAD, 0, 0},
    {"PATCH", DRAFT, NULL, NULL, ROUTE_HELD, RESUME_SEND, RESUME_BY_DRAFT},
    {"HEAD", DRAFT, NULL, NULL, ROUTE_HELD, RESUME_TELL, RESUME_BY_DRAFT},
    {"POST", DRAFT, COMPLETE, "?0", ROUTE_CREATE, RESUME_CREATE, RESUME_BY_DRAFT},
    {"POST", DRAFT, COMPLETE, "?1", ROUTE_CREATE, RESUME_CREATE, RESUME_BY_DRAFT},
    {"POST", DRAFT, NULL, NULL, ROUTE_RELAY, 0, 0},
    {"POST", NULL, COMPLETE, "?0", ROUTE_RELAY, 0, 0},
    {"PUT", DRAFT, COMPLETE, "?0", ROUTE_CREATE, RESUME_CREATE, RESUME_BY_DRAFT},
    {"PUT", DRAFT, COMPLETE, "?1", ROUTE_UPLOAD, 0, RESUME_BY_DRAFT},
    {"PUT", DRAFT, NULL, NULL, ROUTE_UPLOAD, 0, 0},
    {"PUT", NULL, COMPLETE, "?0", ROUTE_UPLOAD, 0, 0},
    {"PUT", TUS, OVERRIDE, "POST", ROUTE_UPLOAD, 0, 0},
    {"OPTIONS", NULL, "Access-Control-Request-Method", "PUT", ROUTE_RELAY, 0, 0},
    {"OPTIONS", TUS, "Access-Control-Request-Method", "PATCH", ROUTE_RELAY, 0, 0},
};

static struct route find(size_t row, const char *path, char **canonical)
{
    struct headers headers = accepting(NULL);
    struct target target;
    struct route route;
    if (rows[row].field)
        assert_true(
            headers_add(&headers, rows[row].field, strcmp(rows[row].field, TUS) ? "8" : "1.0.0"));
    if (rows[row].other)
        assert_true(headers_add(&headers, rows[row].other, rows[row].value));
    assert_null(target_parse(path, &target));
    assert_null(route_find(rows[row].method, &target, &headers, &route));
    *canonical = route_canonical(&route, &target);
    target_free(&target);
    headers_free(&headers);
    return route;
}

static void method_and_protocol_decide(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *canonical;
        struct route route = find(i, "//v2/images/" ID "/fil%65", &canonical);
        if (route.kind == ROUTE_RELAY)
            assert_null(canonical);
        else
            assert_string_equal(canonical, UPLOAD);
        free(canonical);
        if (route.kind != rows[i].kind || route.verb != rows[i].verb ||
            route.dialect != rows[i].dialect)
            fail_msg("row %zu: %d", i, (int)route.kind);
        assert_int_equal(route.cors_preflight,
                         !strcmp(rows[i].method, "OPTIONS") && rows[i].kind == ROUTE_RELAY);
    }
}

/* The override is only for the data of an image. */
static void other_paths_are_as_ever(void **state)
{
    (void)state;
    static const char *const paths[] = {"/v2/images/" ID, "/v2/images/" ID "/file/",
                                        "/v2/images/" ID "/stage/x", "/v2/images"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
            char *canonical;
            struct route route = find(i, paths[p], &canonical);
            enum route_kind kind = route.kind;
            free(canonical);
            assert_false(route.cors_preflight);
            bool update = p == 0 && !strcmp(rows[i].method, "PATCH");
            assert_int_equal(kind, update ? ROUTE_UPDATE : ROUTE_RELAY);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method_and_protocol_decide),
        cmocka_unit_test(other_paths_are_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
