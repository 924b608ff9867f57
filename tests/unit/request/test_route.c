/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "route_rows.h"

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

static void other_requests_are_routed_as_glance_does(void **state)
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

static void upload_path_may_be_escaped_at_every_byte(void **state)
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

static void new_images_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        bool found;
    } rows[] = {
        {"PUT", "/upload/cirros.img?tag=x", true},
        {"POST", "/upload/", true},
        {"PUT", "/upload", true},
        {"PUT", "//upload//a", true},
        {"PUT", "/%75pload/a", true},
        {"PUT", "/upload%2Fa", true},
        {"GET", "/upload/", false},
        {"OPTIONS", "/upload/", false},
        {"PUT", "/uploads/a", false},
        {"PUT", "/v2/upload/a", false},
        {"PUT", UPLOAD, false},
    };
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target target;
        struct route route;
        assert_null(target_parse(rows[i].target, &target));
        assert_null(route_find(rows[i].method, &target, &headers, &route));
        assert_int_equal(route.new_image, rows[i].found);
        assert_int_not_equal(route.kind, ROUTE_NEW_IMAGE); /* it may be switched off */
        target_free(&target);
    }
    headers_free(&headers);
}

/* No name of an image has a slash, so nobody's upload is taken for a part of the page. */
static void parts_of_the_upload_page_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        enum page_part part;
        bool new_image;
    } rows[] = {
        {"GET", "/upload/", PAGE_FILE, false},
        {"HEAD", "/upload?x", PAGE_FILE, false},
        {"GET", "/upload/page/page.js", PAGE_FILE, false},
        {"GET", "/upload/page", PAGE_NONE, false},
        {"GET", "/upload/cirros", PAGE_NONE, false},
        {"GET", "/uploads/", PAGE_NONE, false},
        {"POST", "/upload/page/token?project=demo", PAGE_TOKEN, false},
        {"POST", "/upload/page/tokens", PAGE_NONE, true},
        {"PUT", "/upload/page/token", PAGE_NONE, true},
        {"GET", "/upload/page/token", PAGE_FILE, false},
        {"POST", "/upload/page/image/a", PAGE_DESCRIBE, false},
        {"PUT", "/upload/page/image/a", PAGE_NONE, true},
        {"PUT", "/upload/page", PAGE_NONE, true},
        {"POST", "/upload/token", PAGE_NONE, true},
        {"OPTIONS", "/upload/page/token", PAGE_NONE, false},
    };
    struct headers headers = accepting(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target target;
        struct route route;
        assert_null(target_parse(rows[i].target, &target));
        assert_null(route_find(rows[i].method, &target, &headers, &route));
        if (route.page != rows[i].part || route.new_image != rows[i].new_image)
            fail_msg("%s %s: %d", rows[i].method, rows[i].target, route.page);
        target_free(&target);
    }
    headers_free(&headers);
}

static void the_data_of_a_new_image_goes_without_the_query(void **state)
{
    (void)state;
    struct target target;
    struct route route = {.kind = ROUTE_NEW_IMAGE, .image_id = ID};
    assert_null(target_parse("/upload/a?tag=x", &target));
    char *path = route_canonical(&route, &target);
    assert_string_equal(path, UPLOAD);
    free(path);
    target_free(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_upload_is_found),
        cmocka_unit_test(other_requests_are_routed_as_glance_does),
        cmocka_unit_test(upload_path_may_be_escaped_at_every_byte),
        cmocka_unit_test(new_images_are_found),
        cmocka_unit_test(parts_of_the_upload_page_are_found),
        cmocka_unit_test(the_data_of_a_new_image_goes_without_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
