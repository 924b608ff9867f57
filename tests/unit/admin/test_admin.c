/* SPDX-License-Identifier: Apache-2.0 */
/* The whole admin listener, asked by libcurl as any scraper would. Glance is a script here: this
 * file has its own glance_probe() and stores_missing(), which take the place of the real ones. */
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

/* --- the script ----------------------------------------------------------------------------- */

static _Atomic bool glance_is_there;
static _Atomic unsigned glance_takes_ms;
static _Atomic bool glance_holds; /* its answer */
static _Atomic unsigned questions;
static _Atomic bool draining;
static _Atomic bool gold_is_missing;

bool glance_probe(const struct settings *settings, char *why, size_t why_size)
{
    (void)settings;
    questions++;
    usleep(glance_takes_ms * 1000);
    while (glance_holds)
        usleep(1000);
    snprintf(why, why_size, "Glance at <http://127.0.0.1:9393> does not answer");
    return glance_is_there;
}

size_t stores_missing(struct stores *stores, const struct policy *policy, struct buffer *out)
{
    (void)stores;
    (void)policy;
    if (gold_is_missing && out)
        buffer_print(out, "the policy names the store gold");
    return gold_is_missing;
}

void snapshot_release(struct snapshot *snapshot)
{
    (void)snapshot;
}

static struct snapshot *get_snapshot(void *context)
{
    return context;
}

static bool get_draining(void *context)
{
    (void)context;
    return draining;
}

/* --- the listener --------------------------------------------------------------------------- */

static struct metrics *metrics;
static struct records *records;
static struct spools *spools;
static struct snapshot snapshot;
static struct admin *admin;
static struct bind_address address = {.text = "127.0.0.1"};
static unsigned port;

/* A port that was free a moment ago. */
static void find_port(void)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address.address;
    *in = (struct sockaddr_in){.sin_family = AF_INET};
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.length = sizeof *in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)in, address.length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)in, &address.length), 0);
    assert_int_equal(close(fd), 0);
    port = ntohs(in->sin_port);
}

static struct admin *start(char *error, size_t error_size)
{
    static const struct config_facts config = {true, 1700000000123};
    const struct admin_sources sources = {
        .config = &config,
        .metrics = &metrics,
        .records = &records,
        .workers = 1,
        .spools = spools,
        .snapshot = get_snapshot,
        .draining = get_draining,
        .context = &snapshot,
    };
    return admin_start(&address, &sources, error, error_size);
}

static int set_up(void **state)
{
    (void)state;
    char error[256];
    glance_is_there = true;
    glance_takes_ms = 0;
    questions = 0;
    draining = false;
    gold_is_missing = false;
    metrics = metrics_new();
    records = records_new(metrics);
    spools = spools_new(NULL); /* nobody keeps anything in them */
    find_port();
    admin = start(error, sizeof error);
    return admin && spools && log_open(LOG_FORMAT_TEXT, false, "/dev/null") ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    admin_stop(admin);
    records_free(records);
    metrics_free(metrics);
    spools_free(spools);
    return 0;
}

/* --- the client ----------------------------------------------------------------------------- */

struct got {
    long status;
    char head[4096];
    char body[65536];
};

static size_t append(char *data, size_t size, size_t count, void *context)
{
    strncat(context, data, size * count); /* the tests' answers are small */
    return size * count;
}

static void ask(const char *method, const char *path, struct got *got)
{
    char url[128];
    *got = (struct got){0};
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_NOBODY, (long)!strcmp(method, "HEAD"));
    if (!strcmp(method, "POST"))
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "a=b");
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, append);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, got->head);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, got->body);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &got->status);
    curl_easy_cleanup(easy);
}

static void assert_has(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("no \"%s\" in\n%s", wanted, text);
}

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
    {"GET", "/", 200, "Content-Security-Policy: default-src 'none'", "Ready: Glance answers."},
    {"HEAD", "/", 200, "Content-Type: text/html", NULL},
    {"GET", "/nothing", 404, "Cache-Control: no-store", "no such page"},
    {"GET", "/healthz/", 404, "X-Content-Type-Options: nosniff", "no such page"},
    {"POST", "/uploads", 405, "Allow: GET, HEAD", "only be read"},
    {"DELETE", "/", 405, "Allow: GET, HEAD", "only be read"},
    {"get", "/healthz", 405, "Allow: GET, HEAD", "only be read"},
};

static void test_answers(void **state)
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

static void test_not_ready(void **state)
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

static void test_draining_is_told_at_once(void **state)
{
    (void)state;
    struct got got;
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 200);
    draining = true; /* while Glance's answer is still fresh */
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 503);
    assert_int_equal(questions, 1);
}

static void test_a_missing_store_is_told_at_once(void **state)
{
    (void)state;
    struct got got;
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 200);
    gold_is_missing = true;
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 503);
    assert_has(got.body, "[\"the policy names the store gold\"]");
    ask("GET", "/metrics", &got);
    assert_has(got.body, "\nglance_intake_stores_missing 1\n");
    gold_is_missing = false;
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 200);
    assert_int_equal(questions, 1);
}

static void *ask_readyz(void *context)
{
    struct got *got = context;
    ask("GET", "/readyz", got);
    return NULL;
}

/* Ten scrapers at once are one question, and /healthz does not wait for it. */
static void test_a_storm_is_one_question(void **state)
{
    (void)state;
    enum { SCRAPERS = 10 };
    static struct got got[SCRAPERS];
    pthread_t threads[SCRAPERS];
    glance_holds = true;
    for (int i = 0; i < SCRAPERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_readyz, &got[i]), 0);
    while (!questions)
        usleep(1000);
    static struct got health;
    ask("GET", "/healthz", &health);
    assert_int_equal(health.status, 200);
    glance_holds = false;
    for (int i = 0; i < SCRAPERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(got[i].status, 200);
    }
    assert_int_equal(questions, 1);
}

/* A connected socket that has asked for /readyz. */
static int ask_by_hand(void)
{
    static const char REQUEST[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address.address, address.length), 0);
    assert_int_equal(send(fd, REQUEST, sizeof REQUEST - 1, 0), sizeof REQUEST - 1);
    return fd;
}

static void test_stopping_while_somebody_waits(void **state)
{
    (void)state;
    char error[256];
    char rest[4096];
    glance_takes_ms = 500;
    int fd = ask_by_hand();
    while (!questions)
        usleep(1000);
    uint64_t began = clock_ms();
    admin_stop(admin);
    assert_in_range(clock_ms() - began, 300, 30000);
    while (recv(fd, rest, sizeof rest, 0) > 0) /* an answer or none, but an end */
        continue;
    assert_int_equal(close(fd), 0);
    admin = start(error, sizeof error); /* the address is free again */
    assert_non_null(admin);
}

/* What clients and Glance say is shown, never obeyed. */
static void test_status_page_escapes(void **state)
{
    (void)state;
    struct request_record *running = record_new("req-1", "<b>", "image\"'&");
    running->store = strdup("test");
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
    assert_has(got.body, "<td>image&quot;&#39;&amp;</td>");
    assert_has(got.body, "<td>1.0 MiB of 4.0 MiB <small>(25 %)</small></td>");
    assert_has(got.body, "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;\xEF\xBF\xBD</td>");
    assert_has(got.body, "<td>prepare <small>(3.0 MiB on disk)</small></td>");
    assert_has(got.body, "<span class=\"bad\">refused: too_large</span>"
                         " <small>(warned: damaged_body)</small></td>");
    assert_has(got.body, "<td>upload</td>");
    assert_has(got.body, "<td>import by &lt;i&gt;</td>");
    assert_has(got.body, "<span class=\"good\">accepted</span> <small>(audit: store)</small></td>");
    assert_null(strstr(got.body, "<script"));

    ask("GET", "/uploads", &got);
    json_t *document = json_loads(got.body, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "in_flight")), 1);
    assert_int_equal(json_array_size(json_object_get(document, "finished")), 2);
    json_decref(document);
    running->verdict = VERDICT_STORED;
    records_leave(records, running);
}

static void test_the_address_is_taken(void **state)
{
    (void)state;
    char error[256] = "";
    assert_null(start(error, sizeof error));
    assert_string_equal(error, "cannot listen on 127.0.0.1: Address already in use");
    admin_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_answers),
        TEST(test_not_ready),
        TEST(test_draining_is_told_at_once),
        TEST(test_a_missing_store_is_told_at_once),
        TEST(test_a_storm_is_one_question),
        TEST(test_stopping_while_somebody_waits),
        TEST(test_status_page_escapes),
        TEST(test_the_address_is_taken),
#undef TEST
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
