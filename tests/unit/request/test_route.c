/* SPDX-License-Identifier: Apache-2.0 */
/* Both columns: what Glance routes to an upload, and what it answers otherwise. Each row says what
 * was measured: on eventlet, on uWSGI, or read in the code of Glance, Routes and WebOb. */
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
    /* uWSGI alone routes these. */
    {"a dot segment", "/v2/images/./" ID "/file", NULL},
    {"in front", "/./v2/images/" ID "/file", NULL},
    {"before the last", "/v2/images/" ID "/./file", NULL},
    {"two dots", "/v2/x/../images/" ID "/file", NULL},
    {"two dots after an empty segment", "/v2//../images/" ID "/file", NULL},
    {"and twice", "/v2/images/" ID "/x//../../file", NULL},
    {"out of an escaped slash", "/v2/images/" ID "/a%2Fb/../../file", NULL},
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
    {"a dot at the end", "PUT", UPLOAD "/.", NULL, ROUTE_RELAY},
    {"back from something behind", "PUT", UPLOAD "/x/..", NULL, ROUTE_RELAY},
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
    {"a method in lower case", "put", UPLOAD, NULL, ROUTE_RELAY},
    {"the list by Accept", "GET", "/images", V2, ROUTE_RELAY},
    {"import", "POST", "/v2/images/" ID "/import", NULL, ROUTE_RELAY},
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
    {"back out of the version", "PUT", "/v2/../images/" ID "/file", NULL, ROUTE_VERSIONS},
    {"and out of the image", "PUT", "/v2/images/" ID "/../file", NULL, ROUTE_RELAY},
    /* The other door for image data. */
    {"stage", "PUT", "/v2/images/" ID "/stage", NULL, ROUTE_STAGE},
    {"stage, spelled otherwise", "PUT", "/v2.3//images/" ID "%2Fst%61ge", NULL, ROUTE_STAGE},
    {"POST there", "POST", "/v2/images/" ID "/stage", NULL, ROUTE_RELAY},
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
        assert_string_equal(route.image_id, others[i].kind == ROUTE_STAGE ? ID : "");
        target_free(&target);
        headers_free(&headers);
    }
}

/* Routes lets the query override the method; what goes to Glance says PUT once. */
static void the_method_may_be_in_the_query(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *target;
        const char *canonical; /* NULL: not an upload */
    } rows[] = {
        {"PUT", UPLOAD "?x=y&z", UPLOAD "?x=y&z"},
        {"PUT", UPLOAD "?", UPLOAD},
        {"POST", UPLOAD "?_method=PUT", UPLOAD},
        {"GET", UPLOAD "?x=y&_method=put", UPLOAD "?x=y&"},
        {"DELETE", "/v2//images/" ID "%2Ffile?a;%5Fmethod=P%55T;b", UPLOAD "?a;b"},
        {"PUT", UPLOAD "?_method=GET", UPLOAD},
        {"GET", "/v2/images/" ID "/stage?_method=PUT", "/v2/images/" ID "/stage"},
        {"POST", UPLOAD "?_method=DELETE", NULL},
        {"POST", "/v2/images/" ID "?_method=PUT", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers = accepting(NULL);
        struct target target;
        struct route route;
        assert_null(target_parse(rows[i].target, &target));
        assert_null(route_find(rows[i].method, &target, &headers, &route));
        assert_int_equal(route.kind != ROUTE_RELAY, rows[i].canonical != NULL);
        if (rows[i].canonical) {
            char *canonical = route_canonical(&route, &target);
            assert_non_null(canonical);
            assert_string_equal(canonical, rows[i].canonical);
            free(canonical);
        }
        target_free(&target);
        headers_free(&headers);
    }
}

static void an_accept_that_names_a_version_is_reported(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *accept;
        bool reported;
    } rows[] = {
        {UPLOAD, NULL, false},
        {UPLOAD, "application/json", false},
        {UPLOAD, V2 ", */*", true},
        {"/images/" ID "/file", V2, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers = accepting(rows[i].accept);
        struct target target;
        struct route route;
        assert_null(target_parse(rows[i].target, &target));
        assert_null(route_find("PUT", &target, &headers, &route));
        assert_int_equal(route.kind, ROUTE_UPLOAD);
        assert_int_equal(route.version_by_accept, rows[i].reported);
        target_free(&target);
        headers_free(&headers);
    }
}

static const char *upload_fault(const char *method, const char *id)
{
    char sent[1024];
    struct headers headers = accepting(NULL);
    struct target target;
    struct route route;
    snprintf(sent, sizeof sent, "/v2/images/%s/file", id);
    assert_null(target_parse(sent, &target));
    const char *fault = route_find(method, &target, &headers, &route);
    if (fault)
        assert_string_equal(route.image_id, "");
    target_free(&target);
    headers_free(&headers);
    return fault;
}

/* To MySQL "ID " is as good as "ID", and an accent is nothing. */
static void an_upload_to_an_odd_id_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {ID "%20", "%20" ID, "b%C3%A0d", ID ";x",
                                      "a%25",   "a:b",    "a+b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_non_null(upload_fault("PUT", bad[i]));
        assert_null(upload_fault("GET", bad[i]));
    }
    static const char *const good[] = {ID, ID_UPPER, "abc", "a-._~Z0", "..."};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(upload_fault("PUT", good[i]));

    char id[IMAGE_ID_MAX + 2];
    memset(id, 'a', sizeof id);
    id[IMAGE_ID_MAX + 1] = '\0';
    assert_non_null(upload_fault("PUT", id));
    id[IMAGE_ID_MAX] = '\0';
    assert_null(upload_fault("PUT", id));
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
        cmocka_unit_test(the_method_may_be_in_the_query),
        cmocka_unit_test(an_accept_that_names_a_version_is_reported),
        cmocka_unit_test(an_upload_to_an_odd_id_is_refused),
        cmocka_unit_test(every_byte_of_an_upload_may_be_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
