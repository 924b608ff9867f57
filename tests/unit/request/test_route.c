/* SPDX-License-Identifier: Apache-2.0 */
/* Both columns: what Glance routes to a door, and what it answers otherwise. Each row says what was
 * measured: on eventlet, on uWSGI, or read in the code of Glance, Routes and WebOb. */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID       "7ba7a3d1-0df1-4f3e-8f4b-5a7f0e3d9a11"
#define ID_UPPER "7BA7A3D1-0DF1-4F3E-8F4B-5A7F0E3D9A11"
#define UPLOAD   "/v2/images/" ID "/file"
#define V2       "application/vnd.openstack.images-v2"

static struct headers accepting(const char *accept)
{
    struct headers headers = {0};
    assert_true(headers_add(&headers, "Host", "h"));
    if (accept)
        assert_true(headers_add(&headers, "Accept", accept));
    return headers;
}

/* Every one of these becomes a PUT of `UPLOAD`. */
static const struct {
    const char *why;
    const char *target;
    const char *accept;
} uploads[] = {
    {"as it should be", UPLOAD, NULL},
    {"with an Accept of its own", UPLOAD, "*/*"},
    {"an escaped letter", "/v2/images/" ID "/fil%65", NULL},
    {"all escaped", "/v2/images/" ID "/%66%69%6c%65", NULL},
    {"an escaped version", "/%76%32/images/" ID "/file", NULL},
    {"an escaped collection", "/v2/%69mages/" ID "/file", NULL},
    {"an escaped slash", "/v2%2Fimages/" ID "/file", NULL},
    {"more of them", "/v2/images%2F" ID "%2Ffile", NULL},
    {"the last one", "/v2/images/" ID "%2ffile", NULL},
    {"all of them", "%2Fv2%2Fimages%2F" ID "%2Ffile", NULL},
    {"empty segments", "//v2//images//" ID "//file", NULL},
    {"many in front", "/////v2/images/" ID "/file", NULL},
    {"an escaped empty segment", "/v2/%2Fimages/" ID "/file", NULL},
    {"the first version", "/v2.0/images/" ID "/file", NULL},
    {"another version", "/v2.7/images/" ID "/file", NULL},
    {"version 2.15", "/v2.15/images/" ID "/file", NULL},
    {"a version only some Glances have", "/v2.16/images/" ID "/file", NULL},
    {"a version still to come", "/v2.99/images/" ID "/file", NULL},
    {"no slash in front", "v2/images/" ID "/file", NULL},
    {"the absolute form", "http://images.example.org/v2/images/" ID "/file", NULL},
    {"a version in Accept", "/images/" ID "/file", V2},
    {"a minor version in Accept", "/images/" ID "/file", V2 ".5"},
    {"the same, and empty segments", "//images//" ID "/file", V2},
    {"Accept with a weight", "/images/" ID "/file", V2 ";q=1.0"},
    {"Accept with empty elements", "/images/" ID "/file", V2 ","},
    /* WebOb finds this Accept malformed, so that the path counts. */
    {"a malformed Accept", UPLOAD, "application/vnd.openstack.images-v9;;="},
    {"one that uWSGI does not strip", UPLOAD, V2 " "},
};

static void every_spelling_of_an_upload_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof uploads / sizeof *uploads; i++) {
        struct headers headers = accepting(uploads[i].accept);
        struct target target;
        struct route route;
        assert_null(target_parse(uploads[i].target, &target));
        assert_null(route_find("PUT", &target, &headers, &route));
        if (route.kind != ROUTE_UPLOAD)
            fail_msg("%s: not an upload", uploads[i].why);
        assert_string_equal(route.image_id, ID);
        char *canonical = route_canonical(&route, &target);
        assert_non_null(canonical);
        assert_string_equal(canonical, UPLOAD);
        free(canonical);
        target_free(&target);
        headers_free(&headers);
    }
}

static const struct {
    const char *why;
    const char *method;
    const char *target;
    const char *accept;
    enum route_kind kind;
} others[] = {
    /* 404 on both servers, which a relay leaves as it is. */
    {"a slash at the end", "PUT", UPLOAD "/", NULL, ROUTE_RELAY},
    {"an escaped one", "PUT", UPLOAD "%2F", NULL, ROUTE_RELAY},
    {"escaped twice", "PUT", "/v2/images/" ID "/fil%2565", NULL, ROUTE_RELAY},
    {"a space behind", "PUT", UPLOAD "%20", NULL, ROUTE_RELAY},
    {"a path parameter", "PUT", UPLOAD ";x=y", NULL, ROUTE_RELAY},
    {"an extension", "PUT", UPLOAD ".json", NULL, ROUTE_RELAY},
    {"upper case", "PUT", "/v2/images/" ID "/FILE", NULL, ROUTE_RELAY},
    {"an upper-case collection", "PUT", "/v2/Images/" ID "/file", NULL, ROUTE_RELAY},
    {"something in between", "PUT", "/v2/images/" ID "/x/file", NULL, ROUTE_RELAY},
    {"no image", "PUT", "/v2/images/file", NULL, ROUTE_RELAY},
    {"no image, but its slash", "PUT", "/v2/images//file", NULL, ROUTE_RELAY},
    {"two versions", "PUT", "/v2" UPLOAD, NULL, ROUTE_RELAY},
    {"the version in both places", "PUT", UPLOAD, V2, ROUTE_RELAY},
    /* Other things of the API. */
    {"the image", "GET", "/v2/images/" ID, NULL, ROUTE_RELAY},
    {"its data", "GET", UPLOAD, NULL, ROUTE_RELAY},
    {"POST there", "POST", UPLOAD, NULL, ROUTE_RELAY},
    {"deleting it", "DELETE", "/v2/images/" ID, NULL, ROUTE_RELAY},
    {"a new image", "POST", "/v2/images", NULL, ROUTE_RELAY},
    {"an update of no image", "PATCH", "/v2/images", NULL, ROUTE_RELAY},
    {"nor of its slash", "PATCH", "/v2/images/", NULL, ROUTE_RELAY},
    {"an update, and a slash at the end", "PATCH", "/v2/images/" ID "/", NULL, ROUTE_RELAY},
    {"an image, put", "PUT", "/v2/images/" ID, NULL, ROUTE_RELAY},
    {"what imports there are", "GET", "/v2/images/" ID "/import", NULL, ROUTE_RELAY},
    {"an import, and a slash at the end", "POST", "/v2/images/" ID "/import/", NULL, ROUTE_RELAY},
    {"an import, put", "PUT", "/v2/images/" ID "/import", NULL, ROUTE_RELAY},
    {"which locations", "GET", "/v2/images/" ID "/locations", NULL, ROUTE_RELAY},
    {"locations, put", "PUT", "/v2/images/" ID "/locations", NULL, ROUTE_RELAY},
    {"which tasks", "GET", "/v2/tasks", NULL, ROUTE_RELAY},
    {"an image's tasks", "GET", "/v2/images/" ID "/tasks", NULL, ROUTE_RELAY},
    {"and none can be made there", "POST", "/v2/images/" ID "/tasks", NULL, ROUTE_RELAY},
    {"one task", "POST", "/v2/tasks/" ID, NULL, ROUTE_RELAY},
    {"tasks, and a slash at the end", "POST", "/v2/tasks/", NULL, ROUTE_RELAY},
    {"tasks without a version", "POST", "/tasks", NULL, ROUTE_VERSIONS},
    {"tasks, the version in both places", "POST", "/v2/tasks", V2, ROUTE_RELAY},
    {"an action", "POST", "/v2/images/" ID "/actions/deactivate", NULL, ROUTE_RELAY},
    {"a member", "POST", "/v2/images/" ID "/members", NULL, ROUTE_RELAY},
    {"the list by Accept", "GET", "/images", V2, ROUTE_RELAY},
    {"a tag", "PUT", "/v2/images/" ID "/tags/file", NULL, ROUTE_RELAY},
    {"the version alone", "GET", "/v2", NULL, ROUTE_RELAY},
    {"and its slash", "GET", "/v2/", NULL, ROUTE_RELAY},
    {"health", "GET", "/healthcheck", NULL, ROUTE_RELAY},
    {"the server as a whole", "OPTIONS", "*", NULL, ROUTE_RELAY},
    /* Glance answers with the versions it has. */
    {"the root", "GET", "/", NULL, ROUTE_VERSIONS},
    {"the versions", "GET", "/versions", NULL, ROUTE_VERSIONS},
    {"anything behind them", "GET", "/versions/x", NULL, ROUTE_VERSIONS},
    {"even by Accept", "PUT", "/versions/images/" ID "/file", V2, ROUTE_VERSIONS},
    {"version 1", "PUT", "/v1/images/" ID "/file", NULL, ROUTE_VERSIONS},
    {"version 3", "PUT", "/v3/images/" ID "/file", NULL, ROUTE_VERSIONS},
    {"no minor version", "PUT", "/v2./images/" ID "/file", NULL, ROUTE_VERSIONS},
    {"two minor versions", "PUT", "/v2.1.2/images/" ID "/file", NULL, ROUTE_VERSIONS},
    {"an upper-case version", "PUT", "/V2/images/" ID "/file", NULL, ROUTE_VERSIONS},
    {"no version", "PUT", "/images/" ID "/file", NULL, ROUTE_VERSIONS},
    {"no version, any Accept", "PUT", "/images/" ID "/file", "*/*", ROUTE_VERSIONS},
    {"half a version in Accept", "PUT", "/images/" ID "/file", V2 ";q=0.5", ROUTE_VERSIONS},
    {"two types in Accept", "PUT", "/images/" ID "/file", V2 ", */*", ROUTE_VERSIONS},
    {"another version in Accept", "PUT", UPLOAD, "application/vnd.openstack.images-v1",
     ROUTE_VERSIONS},
    {"something in front", "PUT", "/image" UPLOAD, NULL, ROUTE_VERSIONS},
    {"staged, posted", "POST", "/v2/images/" ID "/stage", NULL, ROUTE_RELAY},
};

static void everything_else_is_what_glance_takes_it_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct headers headers = accepting(others[i].accept);
        struct target target;
        struct route route;
        assert_null(target_parse(others[i].target, &target));
        assert_null(route_find(others[i].method, &target, &headers, &route));
        if (route.kind != others[i].kind)
            fail_msg("%s: %d", others[i].why, (int)route.kind);
        assert_string_equal(route.image_id, "");
        assert_null(route_canonical(&route, &target));
        target_free(&target);
        headers_free(&headers);
    }
}

static const struct {
    const char *method;
    const char *path;
    enum route_kind kind;
    const char *id;
} doors[] = {
    {"PUT", UPLOAD, ROUTE_UPLOAD, ID},
    {"PUT", "/v2/images/" ID "/stage", ROUTE_STAGE, ID},
    {"POST", "/v2/images/" ID "/import", ROUTE_IMPORT, ID},
    {"PATCH", "/v2/images/" ID, ROUTE_UPDATE, ID},
    {"POST", "/v2/images/" ID "/locations", ROUTE_LOCATIONS, ID},
    {"POST", "/v2/tasks", ROUTE_TASKS, ""},
};

enum { API_ROUTES = sizeof doors / sizeof *doors };

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

static void every_door_is_found_in_every_spelling(void **state)
{
    (void)state;
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < API_ROUTES * 64; i++) {
        unsigned way = (unsigned)i % 64;
        char sent[512];
        char wanted[256];
        struct target target;
        struct route route;
        spell(doors[i / 64].path, way, sent);
        snprintf(wanted, sizeof wanted, "%s%s", doors[i / 64].path, way & 32 ? "?x=y&z" : "");
        assert_null(target_parse(sent, &target));
        assert_null(route_find(doors[i / 64].method, &target, &headers, &route));
        if (route.kind != doors[i / 64].kind)
            fail_msg("%s: %d", sent, (int)route.kind);
        assert_string_equal(route.image_id, doors[i / 64].id);
        char *canonical = route_canonical(&route, &target);
        assert_non_null(canonical);
        assert_string_equal(canonical, wanted);
        free(canonical);
        target_free(&target);
    }
    headers_free(&headers);
}

/* Only as it is written: what compares loosely is not in front of Glance. */
static void no_other_method_opens_a_door(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET",     "HEAD", "PUT", "POST",  "PATCH", "DELETE",
                                          "OPTIONS", "PUTS", "PU",  "PURGE", ""};
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < API_ROUTES; i++) {
        struct target target;
        assert_null(target_parse(doors[i].path, &target));
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
            struct route route;
            bool own = !strcmp(methods[m], doors[i].method);
            assert_null(route_find(methods[m], &target, &headers, &route));
            assert_int_equal(route.kind, own ? doors[i].kind : ROUTE_RELAY);
        }
        target_free(&target);
    }
    headers_free(&headers);
}

/* A path with one byte less, or one more, is another path. */
static void nothing_beside_a_door_is_one(void **state)
{
    (void)state;
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < API_ROUTES; i++) {
        size_t length = strlen(doors[i].path);
        for (size_t cut = 1; cut <= length; cut++) {
            char sent[256];
            struct target target;
            struct route route;
            snprintf(sent, sizeof sent, "%.*s%s", (int)cut, doors[i].path,
                     cut == length ? "/" : "");
            assert_null(target_parse(sent, &target));
            assert_null(route_find(doors[i].method, &target, &headers, &route));
            bool image = doors[i].kind == ROUTE_UPDATE && cut > strlen("/v2/images/");
            if (image && cut < length)
                assert_int_equal(route.kind, ROUTE_UPDATE); /* of one with a shorter id */
            else
                assert_true(route.kind == ROUTE_RELAY || route.kind == ROUTE_VERSIONS);
            target_free(&target);
        }
    }
    headers_free(&headers);
}

static void a_version_in_accept_opens_every_door(void **state)
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
                assert_null(target_parse(doors[i].path + (with ? 0 : strlen("/v2")), &target));
                assert_null(route_find(doors[i].method, &target, &headers, &route));
                if ((route.kind == doors[i].kind) != wanted)
                    fail_msg("%s %s: %d", target.path, rows[r].accept, (int)route.kind);
                if (wanted) {
                    char *canonical = route_canonical(&route, &target);
                    assert_non_null(canonical);
                    assert_string_equal(canonical, doors[i].path);
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
    snprintf(sent, sizeof sent, "/v2/images/%s%s", id, doors[row].path + strlen("/v2/images/" ID));
    assert_null(target_parse(sent, &target));
    const char *fault = route_find(method, &target, &headers, &route);
    if (fault)
        assert_string_equal(route.image_id, "");
    target_free(&target);
    headers_free(&headers);
    return fault;
}

/* To MySQL "ID " is as good as "ID", and an accent is nothing. */
static void a_door_of_an_odd_id_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {ID "%20", "%20" ID, "b%C3%A0d", ID ";x",
                                      "a%25",   "a:b",    "a+b"};
    static const char *const good[] = {ID, ID_UPPER, "abc", "a-._~Z0", "..."};
    char id[IMAGE_ID_MAX + 2];
    memset(id, 'a', sizeof id);
    for (size_t row = 0; row < API_ROUTES && *doors[row].id; row++) {
        const char *method = doors[row].method;
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

static void every_byte_of_an_upload_may_be_escaped(void **state)
{
    (void)state;
    static const char upload[] = UPLOAD;
    struct headers headers = accepting(NULL);
    for (size_t i = 0; upload[i]; i++) {
        for (int upper = 0; upper < 2; upper++) {
            char sent[2 * sizeof upload];
            snprintf(sent, sizeof sent, upper ? "%.*s%%%02hhX%s" : "%.*s%%%02hhx%s", (int)i, upload,
                     upload[i], upload + i + 1);
            struct target target;
            struct route route;
            assert_null(target_parse(sent, &target));
            assert_null(route_find("PUT", &target, &headers, &route));
            assert_int_equal(route.kind, ROUTE_UPLOAD);
            assert_string_equal(route.image_id, ID);
            target_free(&target);
        }
    }
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_upload_is_found),
        cmocka_unit_test(everything_else_is_what_glance_takes_it_for),
        cmocka_unit_test(every_door_is_found_in_every_spelling),
        cmocka_unit_test(no_other_method_opens_a_door),
        cmocka_unit_test(nothing_beside_a_door_is_one),
        cmocka_unit_test(a_version_in_accept_opens_every_door),
        cmocka_unit_test(a_door_of_an_odd_id_is_refused),
        cmocka_unit_test(every_byte_of_an_upload_may_be_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
