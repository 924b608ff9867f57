/* SPDX-License-Identifier: Apache-2.0 */
/* Imports, updates, locations and tasks: which requests are such. */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "route_rows.h"

/* "/v2/tasks" becomes "/v2/tasks?x=y&z", "//v2//tasks", ... */
static void spell(const char *path, unsigned way, char *out)
{
    static const char *const slashes[] = {"/", "//", "%2F", "/%2f"};
    static const char *const versions[] = {"v2", "v2.0", "v%32", "v2.16"};
    out += sprintf(out, "%s%s", slashes[way % 4], versions[way / 4 % 4]);
    for (path += strlen("/v2"); *path; path++)
        if (*path == '/')
            out += sprintf(out, "%s", slashes[(way + 1) % 4]);
        else
            out += sprintf(out, way & 16 ? "%%%02x" : "%c", (unsigned char)*path);
    sprintf(out, "%s", way & 32 ? "?x=y&z" : "");
}

static const struct {
    const char *method;
    const char *path;
    enum route_kind kind;
    const char *id;
} routes[] = {
    {"PUT", UPLOAD, ROUTE_UPLOAD, ID},
    {"PUT", "/v2/images/" ID "/stage", ROUTE_STAGE, ID},
    {"POST", "/v2/images/" ID "/import", ROUTE_IMPORT, ID},
    {"PATCH", "/v2/images/" ID, ROUTE_UPDATE, ID},
    {"POST", "/v2/images/" ID "/locations", ROUTE_LOCATIONS, ID},
    {"POST", "/v2/tasks", ROUTE_TASKS, ""},
    {"GET", "/v2/images/" ID "/file/progress", ROUTE_PROGRESS, ID},
};

enum { API_ROUTES = sizeof routes / sizeof *routes };

static void every_ingest_route_is_found_in_every_spelling(void **state)
{
    (void)state;
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < API_ROUTES * 64; i++) {
        unsigned way = (unsigned)i % 64;
        char sent[512];
        char wanted[256];
        struct target target;
        struct route route;
        spell(routes[i / 64].path, way, sent);
        snprintf(wanted, sizeof wanted, "%s%s", routes[i / 64].path, way & 32 ? "?x=y&z" : "");
        assert_null(target_parse(sent, &target));
        assert_null(route_find(routes[i / 64].method, &target, &headers, &route));
        if (route.kind != routes[i / 64].kind)
            fail_msg("%s: %d", sent, (int)route.kind);
        assert_string_equal(route.image_id, routes[i / 64].id);
        char *canonical = route_canonical(&route, &target);
        assert_non_null(canonical);
        assert_string_equal(canonical, wanted);
        free(canonical);
        target_free(&target);
    }
    headers_free(&headers);
}

/* A method that is not the route's own. */
static enum route_kind other_kind(const char *method, enum route_kind own)
{
    bool of_held =
        !strcmp(method, "HEAD") || !strcmp(method, "DELETE") || !strcmp(method, "OPTIONS");
    return own == ROUTE_UPLOAD && of_held ? ROUTE_HELD : ROUTE_RELAY;
}

/* Exact comparison: MySQL compares loosely, the proxy does not. */
static void ingest_route_needs_its_method(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET",     "HEAD", "PUT", "POST",  "PATCH", "DELETE",
                                          "OPTIONS", "PUTS", "PU",  "PURGE", ""};
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < API_ROUTES; i++) {
        struct target target;
        assert_null(target_parse(routes[i].path, &target));
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
            struct route route;
            bool own = !strcmp(methods[m], routes[i].method);
            assert_null(route_find(methods[m], &target, &headers, &route));
            assert_int_equal(route.kind,
                             own ? routes[i].kind : other_kind(methods[m], routes[i].kind));
        }
        target_free(&target);
    }
    headers_free(&headers);
}

/* A path with one byte less, or one more, is another path. */
static void similar_paths_are_not_ingest_routes(void **state)
{
    (void)state;
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < API_ROUTES; i++) {
        size_t length = strlen(routes[i].path);
        for (size_t cut = 1; cut <= length; cut++) {
            char sent[256];
            struct target target;
            struct route route;
            snprintf(sent, sizeof sent, "%.*s%s", (int)cut, routes[i].path,
                     cut == length ? "/" : "");
            assert_null(target_parse(sent, &target));
            assert_null(route_find(routes[i].method, &target, &headers, &route));
            bool image = routes[i].kind == ROUTE_UPDATE && cut > strlen("/v2/images/");
            if (image && cut < length)
                assert_int_equal(route.kind, ROUTE_UPDATE); /* of one with a shorter id */
            else
                assert_true(route.kind == ROUTE_RELAY || route.kind == ROUTE_VERSIONS);
            target_free(&target);
        }
    }
    headers_free(&headers);
}

static void version_in_accept_selects_every_ingest_route(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool without_version; /* is the path to be without one, */
        bool with_version;    /* or with one? In doubt it may be either */
    } rows[] = {
        {NULL, false, true},        {"application/json", false, true},
        {V2, true, false},          {V2 ".9", true, false},
        {V2 ";q=1", true, true},    {", " V2, true, true},
        {V2 ";q=0.5", false, true}, {"application/vnd.openstack.images-v1", false, false},
    };
    for (size_t i = 0; i < API_ROUTES; i++) {
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            struct headers headers = accepting(rows[r].accept);
            for (int with = 0; with < 2; with++) {
                struct target target;
                struct route route;
                bool wanted = with ? rows[r].with_version : rows[r].without_version;
                assert_null(target_parse(routes[i].path + (with ? 0 : strlen("/v2")), &target));
                assert_null(route_find(routes[i].method, &target, &headers, &route));
                if ((route.kind == routes[i].kind) != wanted)
                    fail_msg("%s %s: %d", target.path, rows[r].accept, (int)route.kind);
                if (wanted) {
                    char *canonical = route_canonical(&route, &target);
                    assert_non_null(canonical);
                    assert_string_equal(canonical, routes[i].path);
                    assert_int_equal(route.version_by_accept, r >= 2);
                    free(canonical);
                }
                target_free(&target);
            }
            headers_free(&headers);
        }
    }
}

static const char *door_fault(size_t row, const char *method, const char *id)
{
    char sent[1024];
    struct headers headers = accepting(NULL);
    struct target target;
    struct route route;
    snprintf(sent, sizeof sent, "/v2/images/%s%s", id, routes[row].path + strlen("/v2/images/" ID));
    assert_null(target_parse(sent, &target));
    const char *fault = route_find(method, &target, &headers, &route);
    if (fault)
        assert_string_equal(route.image_id, "");
    target_free(&target);
    headers_free(&headers);
    return fault;
}

/* To MySQL "ID " is as good as "ID", and an accent is nothing. */
static void ingest_route_with_an_odd_id_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {ID "%20", "%20" ID, "b%C3%A0d", ID ";x",
                                      "a%25",   "a:b",    "a+b"};
    static const char *const good[] = {ID, ID_UPPER, "abc", "a-._~Z0", "..."};
    char id[IMAGE_ID_MAX + 2];
    memset(id, 'a', sizeof id);
    for (size_t row = 0; row < API_ROUTES && *routes[row].id; row++) {
        const char *method = routes[row].method;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            assert_non_null(door_fault(row, method, bad[i]));
            assert_null(door_fault(row, "GET", bad[i]));
        }
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
            assert_null(door_fault(row, method, good[i]));
        id[IMAGE_ID_MAX] = 'a';
        id[IMAGE_ID_MAX + 1] = '\0';
        assert_non_null(door_fault(row, method, id));
        id[IMAGE_ID_MAX] = '\0';
        assert_null(door_fault(row, method, id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ingest_route_is_found_in_every_spelling),
        cmocka_unit_test(ingest_route_needs_its_method),
        cmocka_unit_test(similar_paths_are_not_ingest_routes),
        cmocka_unit_test(version_in_accept_selects_every_ingest_route),
        cmocka_unit_test(ingest_route_with_an_odd_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
