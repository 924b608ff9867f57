/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include "../../../proxy/request/request_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "0b7c1d52-6a43-4f6e-9a0d-3f1c2e4b5a69"

static struct route find(const char *method, const char *versioned, const char *type)
{
    struct route route = {.kind = ROUTE_RELAY};
    struct headers headers = {0};
    assert_true(!type || headers_add(&headers, "Content-Type", type));
    near_miss_find(method, versioned, &headers, &route);
    headers_free(&headers);
    return route;
}

static void misdirected_data_is_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *type, *id, *allowed;
        enum route_kind meant;
    } rows[] = {
        {"POST", "/images/" ID "/file", NULL, ID, "GET, PUT", ROUTE_UPLOAD},
        {"POST", "/images/" ID "/file", "application/x-www-form-urlencoded", ID, "GET, PUT",
         ROUTE_UPLOAD},
        {"POST", "/images/" ID "/file", "multipart/form-data; boundary=x", ID, "GET, PUT",
         ROUTE_UPLOAD},
        {"POST", "/images/" ID "/file/", "application/octet-stream", ID, "GET, PUT", ROUTE_UPLOAD},
        {"POST", "/images/" ID "/stage", NULL, ID, "PUT", ROUTE_STAGE},
        {"PATCH", "/images/" ID "/file", NULL, ID, "GET, PUT", ROUTE_UPLOAD},
        {"PUT", "/images/" ID "/file/", NULL, ID, "GET, PUT", ROUTE_UPLOAD},
        {"PUT", "/images/" ID "/file/cirros.img", NULL, ID, "GET, PUT", ROUTE_UPLOAD},
        {"PUT", "/images/" ID "/stage/", NULL, ID, "PUT", ROUTE_STAGE},
        {"PUT", "/images/" ID "/cirros.img", NULL, ID, "GET, PUT", ROUTE_UPLOAD},
        {"PUT", "/images/" ID, NULL, ID, "DELETE, GET, PATCH", ROUTE_UPLOAD},
        {"PUT", "/images/" ID "/", "application/octet-stream", ID, "DELETE, GET, PATCH",
         ROUTE_UPLOAD},
        {"PUT", "/images/cirros.img", NULL, "", "DELETE, GET, PATCH", ROUTE_UPLOAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s %s\n", rows[i].method, rows[i].path);
        struct route route = find(rows[i].method, rows[i].path, rows[i].type);
        assert_non_null(route.missed.how);
        assert_string_equal(route.missed.allowed, rows[i].allowed);
        assert_string_equal(route.missed.image_id, rows[i].id);
        assert_int_equal(route.missed.meant, rows[i].meant);
        assert_int_equal(route.kind, ROUTE_RELAY);
    }
}

static void other_requests_are_left_to_glance(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *type;
    } rows[] = {
        {"POST", "/images/" ID "/file", "application/json"},
        {"PUT", "/images/" ID, "application/json; charset=utf-8"},
        {"PATCH", "/images/" ID, "application/openstack-images-v2.1-json-patch"},
        {"PATCH", "/images/" ID, NULL},
        {"POST", "/images", NULL}, /* curl -d of JSON, which Glance takes */
        {"PUT", "/images", NULL},
        {"PUT", "/images/", NULL},
        {"POST", "/images/" ID, NULL},
        {"POST", "/images/" ID "/import", NULL},
        {"POST", "/images/" ID "/actions/deactivate", NULL},
        {"POST", "/images/" ID "/locations", NULL},
        {"POST", "/images/" ID "/members", NULL},
        {"PUT", "/images/" ID "/members/x", NULL},
        {"PUT", "/images/" ID "/tags/x", NULL},
        {"PUT", "/images/" ID "/tags/", NULL},
        {"DELETE", "/images/" ID "/file", NULL},
        {"HEAD", "/images/" ID "/file", NULL},
        {"GET", "/images/" ID "/file/", NULL},
        {"OPTIONS", "/images/" ID "/file", NULL},
        {"PUT", "/cache/" ID, NULL},
        {"PUT", "/metadefs/namespaces/x", NULL},
        {"POST", "/tasks", NULL},
        {"PUT", "/imagesx/" ID "/file", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s %s\n", rows[i].method, rows[i].path);
        struct route route = find(rows[i].method, rows[i].path, rows[i].type);
        assert_null(route.missed.how);
        assert_string_equal(route.missed.image_id, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misdirected_data_is_recognized),
        cmocka_unit_test(other_requests_are_left_to_glance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
