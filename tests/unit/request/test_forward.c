/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct headers *headers, const struct header *rows)
{
    for (; rows->name; rows++)
        assert_true(headers_add(headers, rows->name, rows->value));
}

static void same(const struct headers *headers, const struct header *wanted)
{
    headers_each(row, headers) {
        assert_non_null(wanted->name);
        assert_string_equal(row->name, wanted->name);
        assert_string_equal(row->value, wanted->value);
        wanted++;
    }
    assert_null(wanted->name);
}

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void trace_is_forwarded_only_if_it_is_valid(void **state)
{
    (void)state;
    static const struct {
        struct header sent[4], wanted[3];
    } rows[] = {
        {{{"Traceparent", PARENT}, {"Tracestate", "a=b"}, {"tracestate", "c=d"}},
         {{"Traceparent", PARENT}, {"Tracestate", "a=b"}, {"tracestate", "c=d"}}},
        {{{"traceparent", "00-0-0-01"}, {"Tracestate", "a=b"}}, {{0}}},
        {{{"Tracestate", "a=b"}}, {{0}}},
        {{{"Traceparent", PARENT}, {"Trace_Parent", PARENT}},
         {{"Traceparent", PARENT}, {"Trace_Parent", PARENT}}}, /* another name */
        {{{"Traceparent", PARENT}, {"traceparent", PARENT}, {"Tracestate", "a=b"}}, {{0}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct origin origin = {"", "", "", "", ""};
        struct headers from = {0}, to;
        struct header wanted[5] = {{0}};
        size_t count = 0;
        fill(&from, rows[i].sent);
        for (; count < 3 && rows[i].wanted[count].name; count++)
            wanted[count] = rows[i].wanted[count];
        wanted[count] = (struct header){"X-Openstack-Request-Id", "req-1"};
        assert_true(forward_request_headers(&from, &origin, "req-1", &to));
        same(&to, wanted);
        headers_free(&to);
        headers_free(&from);
    }
}

static void forwarded_request_has_no_hop_by_hop_fields(void **state)
{
    (void)state;
    static const struct header sent[] = {{"X-Auth-Token", "t"},
                                         {"Host", "as-sent:9292"},
                                         {"Connection", "keep-alive, X-Hop"},
                                         {"connection", " x-other ,"},
                                         {"X-Hop", "1"},
                                         {"X-Other", "2"},
                                         {"X-Hopper", "stays"},
                                         {"Keep-Alive", "timeout=5"},
                                         {"Proxy-Connection", "keep-alive"},
                                         {"TE", "trailers"},
                                         {"Trailer", "X"},
                                         {"Transfer-Encoding", "chunked"},
                                         {"Content-Length", "5"},
                                         {"Upgrade", "h2c"},
                                         {"Expect", "100-continue"},
                                         {"Forwarded", "for=evil"},
                                         {"X-Forwarded-For", "evil"},
                                         {"X_Forwarded_Host", "evil"},
                                         {"x-forwarded-port", "666"},
                                         {"X-Forwarded", "stays"},
                                         {"X_Openstack_Request_Id", "req-theirs"},
                                         {"Accept", "a"},
                                         {"X-Meta", "1"},
                                         {"accept", "b"},
                                         {"X-Empty", ""},
                                         {0}};
    static const struct header wanted[] = {{"Host", "seen:443"},
                                           {"X-Auth-Token", "t"},
                                           {"X-Hopper", "stays"},
                                           {"X-Forwarded", "stays"},
                                           {"Accept", "a"},
                                           {"X-Meta", "1"},
                                           {"accept", "b"},
                                           {"X-Empty", ""},
                                           {"X-Forwarded-For", "192.0.2.7, 10.0.0.1"},
                                           {"X-Forwarded-Proto", "https"},
                                           {"X-Forwarded-Host", "seen:443"},
                                           {"X-Forwarded-Prefix", "/image"},
                                           {"X-Openstack-Request-Id", "req-1"},
                                           {0}};
    struct origin origin = {"192.0.2.7", "https", "seen:443", "/image", "192.0.2.7, 10.0.0.1"};
    struct headers from = {0};
    struct headers to;
    fill(&from, sent);
    assert_true(forward_request_headers(&from, &origin, "req-1", &to));
    same(&to, wanted);
    headers_free(&to);
    headers_free(&from);
}

/* Fields that keystonemiddleware, oslo.context or Glance read about the caller; and similar ones
 * that are not read, or that the client may send. */
static const char *const of_the_caller[] = {"X-Identity-Status",
                                            "X-User-Id",
                                            "X-User-Name",
                                            "X-User-Domain-Id",
                                            "X-User-Domain-Name",
                                            "X-Project-Id",
                                            "X-Project-Name",
                                            "X-Project-Domain-Id",
                                            "X-Project-Domain-Name",
                                            "X-Domain-Id",
                                            "X-Domain-Name",
                                            "X-Roles",
                                            "X-Service-Identity-Status",
                                            "X-Service-User-Id",
                                            "X-Service-User-Name",
                                            "X-Service-User-Domain-Id",
                                            "X-Service-User-Domain-Name",
                                            "X-Service-Project-Id",
                                            "X-Service-Project-Name",
                                            "X-Service-Project-Domain-Id",
                                            "X-Service-Project-Domain-Name",
                                            "X-Service-Domain-Id",
                                            "X-Service-Domain-Name",
                                            "X-Service-Roles",
                                            "X-Role",
                                            "X-User",
                                            "X-Tenant",
                                            "X-Tenant-Id",
                                            "X-Tenant-Name",
                                            "X-Is-Admin-Project",
                                            "X-Service-Catalog",
                                            "OpenStack-System-Scope"};
static const char *const of_the_client[] = {
    "X-Auth-Token",       "X-Storage-Token", "X-Service-Token", "X-Service-Version",
    "X-User-Agent",       "X-Users",         "X-Rolesx",        "XX-Roles",
    "X-Project",          "X-Project-Tag",   "X-Tenant-Ids",    "X-Image-Meta-Owner",
    "X-Image-Meta-Store", "Authorization",   "Remote-User",     "OpenStack-API-Version"};

static size_t passing(const char *name)
{
    struct origin origin = {"", "http", "", "", ""};
    struct headers from = {0};
    struct headers to;
    assert_true(headers_add(&from, name, "admin"));
    assert_true(headers_add(&from, name, "member"));
    assert_true(forward_request_headers(&from, &origin, "req-1", &to));
    size_t count = headers_count(&to, name);
    headers_free(&to);
    headers_free(&from);
    return count;
}

/* Each spelling that WSGI folds into one: "X_Roles", "x-roles", ... */
static void spell(const char *name, unsigned way, char *out)
{
    for (size_t i = 0; i <= strlen(name); i++) {
        out[i] = name[i];
        if (way & 1)
            out[i] = (char)tolower((unsigned char)name[i]);
        if (name[i] == '-' && (way & 2 || (way & 4 && i > 1)))
            out[i] = '_';
    }
}

static void identity_fields_are_removed(void **state)
{
    (void)state;
    char name[64];
    for (unsigned way = 0; way < 8; way++) {
        for (size_t i = 0; i < sizeof of_the_caller / sizeof *of_the_caller; i++) {
            spell(of_the_caller[i], way, name);
            if (passing(name))
                fail_msg("%s goes on", name);
        }
        for (size_t i = 0; i < sizeof of_the_client / sizeof *of_the_client; i++) {
            spell(of_the_client[i], way, name);
            if (passing(name) != 2)
                fail_msg("%s does not go on", name);
        }
    }
}

static void unknown_addresses_are_not_forwarded(void **state)
{
    (void)state;
    static const struct header wanted[] = {
        {"X-Forwarded-Proto", "http"}, {"X-Openstack-Request-Id", "req-1"}, {0}};
    struct origin origin = {"", "http", "", "", ""};
    struct headers from = {0};
    struct headers to;
    assert_true(forward_request_headers(&from, &origin, "req-1", &to));
    same(&to, wanted);
    headers_free(&to);
}

static void answer_keeps_its_fields_in_order(void **state)
{
    (void)state;
    static const struct header sent[] = {{"Content-Type", "application/json"},
                                         {"Set-Cookie", "a"},
                                         {"Connection", "close, X-Hop"},
                                         {"Content-Length", "5"},
                                         {"Transfer-Encoding", "chunked"},
                                         {"X-Hop", "1"},
                                         {"Set-Cookie", "b"},
                                         {"Location", "http://h/v2/images/x"},
                                         {"X-Openstack-Request-Id", "req-1"},
                                         {"Keep-Alive", "timeout=5"},
                                         {0}};
    static const struct header wanted[] = {{"Content-Type", "application/json"},
                                           {"Set-Cookie", "a"},
                                           {"Set-Cookie", "b"},
                                           {"Location", "http://h/v2/images/x"},
                                           {"X-Openstack-Request-Id", "req-1"},
                                           {0}};
    struct headers from = {0};
    struct headers to;
    fill(&from, sent);
    assert_true(forward_response_headers(&from, &to));
    same(&to, wanted);
    headers_free(&to);
    headers_free(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwarded_request_has_no_hop_by_hop_fields),
        cmocka_unit_test(trace_is_forwarded_only_if_it_is_valid),
        cmocka_unit_test(identity_fields_are_removed),
        cmocka_unit_test(unknown_addresses_are_not_forwarded),
        cmocka_unit_test(answer_keeps_its_fields_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
