/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/admin.h"
#include "intake/buffer.h"
#include "intake/clock.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/probe.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/spool.h"
#include "intake/stores.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "admin_script.h"

/* --- the tests ------------------------------------------------------------------------------ */

static const struct {
    const char *method, *path;
    long status;
    const char *in_head, *in_body;
} ANSWERS[] = {
    {"GET", "/healthz", 200, "Content-Type: text/plain", "ok\n"},
    {"GET", "/healthz?probe=1", 200, "Cache-Control: no-store", "ok\n"},
    {"HEAD", "/healthz", 200, "Content-Length: 3", NULL},
    {"GET", "/readyz", 200, "Content-Type: application/json",
     "{\"ready\": true, \"problems\": [], \"endpoints\": []}"},
    {"GET", "/metrics", 200, "Content-Type: text/plain; version=0.0.4", "glance_intake_build_info"},
    {"GET", "/uploads", 200, "Content-Type: application/json", "\"in_flight\": []"},
    {"GET", "/status", 200, "Content-Type: application/json", "\"refusals\":[]"},
    {"GET", "/", 200,
     "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'",
     "Ready: Glance answers."},
    {"GET", "/style.css", 200, "Content-Type: text/css", ":root"},
    {"GET", "/page.css", 200, "Content-Type: text/css", "#live"},
    {"GET", "/page.js", 200, "Content-Type: text/javascript", "ask('/status')"},
    {"GET", "/view.js", 200, "Content-Type: text/javascript", "export class View"},
    {"GET", "/model.js", 200, "Content-Type: text/javascript", "export class Rates"},
    {"GET", "/texts.js", 200, "Content-Type: text/javascript", "export function bytesText"},
    {"GET", "/icon.svg", 200, "Content-Type: image/svg+xml", "</svg>"},
    {"HEAD", "/page.js", 200, "Cache-Control: no-store", NULL},
    {"POST", "/page.js", 405, "Allow: GET, HEAD", "only be read"},
    {"HEAD", "/", 200, "Content-Type: text/html", NULL},
    {"GET", "/nothing", 404, "Cache-Control: no-store", "no such page"},
    {"GET", "/healthz/", 404, "X-Content-Type-Options: nosniff", "no such page"},
    {"POST", "/uploads", 405, "Allow: GET, HEAD", "only be read"},
    {"DELETE", "/", 405, "Allow: GET, HEAD", "only be read"},
    {"get", "/healthz", 405, "Allow: GET, HEAD", "only be read"},
};

static void admin_pages_are_answered(void **state)
{
    (void)state;
    struct got got;
    for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
        ask(ANSWERS[i].method, ANSWERS[i].path, &got);
        assert_int_equal(got.status, ANSWERS[i].status);
        assert_has(got.head, ANSWERS[i].in_head);
        if (ANSWERS[i].in_body)
            assert_has(got.body, ANSWERS[i].in_body);
        else
            assert_string_equal(got.body, "");
    }
}

static void readyz_says_503_while_glance_does_not_answer(void **state)
{
    (void)state;
    struct got got;
    glance_is_there = false;
    gold_is_missing = true;
    draining = true;
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 503);
    json_t *document = json_loads(got.body, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_false(json_object_get(document, "ready")));
    const json_t *diagnostics = json_object_get(document, "problems");
    assert_int_equal(json_array_size(diagnostics), 3);
    assert_string_equal(json_string_value(json_array_get(diagnostics, 0)),
                        "Glance at <http://127.0.0.1:9393> does not answer");
    assert_string_equal(json_string_value(json_array_get(diagnostics, 1)),
                        "the policy names the store gold");
    assert_string_equal(json_string_value(json_array_get(diagnostics, 2)),
                        "this proxy is about to stop");
    json_decref(document);

    ask("GET", "/", &got);
    assert_int_equal(got.status, 200); /* for people: the page itself is fine */
    assert_has(got.body, "Not ready: Glance at &lt;http://127.0.0.1:9393&gt; does not answer.");
    assert_has(got.body, "Not ready: the policy names the store gold.");
    assert_has(got.body, "Not ready: this proxy is about to stop.");
}

/* Texts of clients and Glance are shown, never interpreted. */
static void status_page_escapes_html(void **state)
{
    (void)state;
    struct request_record *running = record_new("req-1", "<b>", "image\"'&");
    running->store = strdup("test");
    assert_true(record_describe_image(running, NULL, "<img>\xE2\x80\xA8x")); /* U+2028 */
    running->size_known = true;
    running->size = 4 << 20;
    running->bytes = 1 << 20;
    running->spooled = 3 << 20;
    running->step = "prepare";
    records_enter(records, running);
    struct request_record *ended = record_new("req-2", "192.0.2.7", "image");
    ended->project = strdup("</td><script>alert(1)</script>\xFF");
    ended->verdict = VERDICT_REFUSED;
    ended->reason = REFUSAL_TOO_LARGE;
    ended->warnings = refusal_bit(REFUSAL_DAMAGED_BODY);
    records_leave(records, ended);
    struct request_record *import = record_new("req-3", "192.0.2.7", "image");
    import->kind = RECORD_IMPORT;
    import->method = strdup("<i>");
    import->verdict = VERDICT_ACCEPTED;
    import->audit_fixes = FIX_STORE;
    records_leave(records, import);

    static struct got got;
    ask("GET", "/", &got);
    assert_has(got.body, "<td>&lt;b&gt;</td>");
    assert_has(got.body, "<td><bdi>&lt;img&gt;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx</bdi> "
                         "<small>image&quot;&#39;&amp;</small></td>");
    assert_has(got.body, "<td>1.0 MiB of 4.0 MiB <small>(25 %)</small></td>");
    assert_has(got.body, "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;\xEF\xBF\xBD</td>");
    assert_has(got.body, "<td>prepare <small>(3.0 MiB on disk)</small></td>");
    assert_has(got.body, "<span class=\"bad\">refused: too_large</span>"
                         " <small>(warned: damaged_body)</small></td>");
    assert_has(got.body, "<td>upload</td>");
    assert_has(got.body, "<td>import by &lt;i&gt;</td>");
    assert_has(got.body, "<span class=\"good\">accepted</span> <small>(audit: store)</small></td>");
    assert_null(strstr(got.body, "<script>"));
    assert_null(strstr(got.body, "@STATE@"));

    ask("GET", "/uploads", &got);
    json_t *document = json_loads(got.body, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "in_flight")), 1);
    assert_int_equal(json_array_size(json_object_get(document, "finished")), 2);
    json_decref(document);
    running->verdict = VERDICT_STORED;
    records_leave(records, running);
}

static void assert_member(const json_t *row, const char *key, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(row, key)), text);
}

/* What the page's script reads. */
static void status_has_what_the_page_shows(void **state)
{
    (void)state;
    static struct got got;
    struct request_record *running = record_new("req-1", "192.0.2.7", "image");
    assert_true(record_describe_image(running, "demo", "<script>"));
    running->step = "send";
    running->state = RECORD_HELD;
    running->warnings |= refusal_bit(REFUSAL_TRUNCATED);
    records_enter(records, running);
    metrics_refused(metrics, REFUSAL_DAMAGED_BODY);
    metrics_refused(metrics, REFUSAL_DAMAGED_BODY);
    gold_is_missing = true;
    ask("GET", "/status", &got);
    assert_int_equal(got.status, 200); /* unlike /readyz */
    json_t *document = json_loads(got.body, JSON_REJECT_DUPLICATES, NULL);
    assert_member(document, "version", INTAKE_VERSION);
    assert_true(json_is_false(json_object_get(document, "ready")));
    const json_t *problems = json_object_get(document, "problems");
    assert_string_equal(json_string_value(json_array_get(problems, 0)),
                        "the policy names the store gold");
    const json_t *upload = json_array_get(json_object_get(document, "in_flight"), 0);
    assert_member(upload, "name", "<script>");
    assert_member(upload, "project", "demo");
    assert_member(upload, "step", "send");
    assert_member(upload, "state", "held");
    assert_member(upload, "warnings", "truncated");
    assert_int_equal(json_array_size(json_object_get(document, "refusals")), 1);
    const json_t *refusal = json_array_get(json_object_get(document, "refusals"), 0);
    assert_member(refusal, "reason", "damaged_body");
    assert_int_equal(json_integer_value(json_object_get(refusal, "status")), 400);
    assert_int_equal(json_integer_value(json_object_get(refusal, "count")), 2);
    assert_int_equal(json_array_size(json_object_get(refusal, "per_minute")), 60);
    assert_non_null(strstr(json_string_value(json_object_get(refusal, "message")), "curl -T FILE"));
    assert_member(refusal, "hint",
                  "curl -T FILE -H 'X-Auth-Token: TOKEN' http://HOST:9292/v2/images/ID/file");
    json_decref(document);

    ask("GET", "/", &got);
    assert_has(got.body, "<td>damaged_body</td><td>2</td><td>The image data was changed");
    running->verdict = VERDICT_ABORTED;
    records_leave(records, running);
}

/* Each refusal has advice for operators without a placeholder in it. */
static void status_fills_in_all_texts(void **state)
{
    (void)state;
    static struct got got;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
        metrics_refused(metrics, (enum refusal)i);
    ask("GET", "/status", &got);
    json_t *document = json_loads(got.body, JSON_REJECT_DUPLICATES, NULL);
    const json_t *refusals = json_object_get(document, "refusals");
    assert_int_equal(json_array_size(refusals), REFUSAL_COUNT - 1);
    for (size_t i = 0; i < json_array_size(refusals); i++) {
        const json_t *row = json_array_get(refusals, i);
        assert_null(strchr(json_string_value(json_object_get(row, "message")), '{'));
        assert_null(strchr(json_string_value(json_object_get(row, "hint")), '{'));
    }
    json_decref(document);
}

static void listen_fails_on_a_taken_address(void **state)
{
    (void)state;
    char error[256] = "";
    assert_null(start(error, sizeof error));
    assert_string_equal(error, "cannot listen on 127.0.0.1: Address already in use");
    admin_stop(NULL);
}

static int connected(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address.address, address.length), 0);
    return fd;
}

/* Another process has the socket, too. */
static void the_socket_outlives_the_listener(void **state)
{
    (void)state;
    static struct got got;
    int copy = dup(admin_socket(admin));
    ask("GET", "/healthz", &got);
    admin_stop_accepting(admin);
    assert_int_equal(admin_socket(admin), -1);
    for (int i = 0; i < 2; i++) {
        int client = connected();
        struct pollfd waits = {.fd = copy, .events = POLLIN};
        assert_int_equal(poll(&waits, 1, 60000), 1);
        close(accept(copy, NULL, NULL));
        close(client);
        admin_stop(admin);
        admin = NULL;
    }
    close(copy);
}

/* One answer to a request on a connection that stays open, as far as it comes at once. */
static void ask_on(int fd, char answer[2048])
{
    static const char REQUEST[] = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    size_t size = 0;
    assert_int_equal(write(fd, REQUEST, strlen(REQUEST)), (ssize_t)strlen(REQUEST));
    do {
        ssize_t got = read(fd, answer + size, 2047 - size);
        assert_true(got > 0);
        size += (size_t)got;
        answer[size] = '\0';
    } while (!strstr(answer, "ok\n"));
}

/* A page that asks once a second would see the old process until that ends. */
static void open_connections_are_closed_after_a_handover(void **state)
{
    (void)state;
    char answer[2048];
    int fd = connected();
    ask_on(fd, answer);
    assert_null(strstr(answer, "Connection: close"));
    admin_stop_accepting(admin);
    ask_on(fd, answer);
    assert_has(answer, "Connection: close");
    assert_int_equal(read(fd, answer, 1), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(admin_pages_are_answered),         TEST(readyz_says_503_while_glance_does_not_answer),
        TEST(status_page_escapes_html),         TEST(status_has_what_the_page_shows),
        TEST(status_fills_in_all_texts),        TEST(listen_fails_on_a_taken_address),
        TEST(the_socket_outlives_the_listener), TEST(open_connections_are_closed_after_a_handover),
#undef TEST
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
