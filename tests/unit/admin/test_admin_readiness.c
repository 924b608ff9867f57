/* SPDX-License-Identifier: Apache-2.0 */
/* /readyz: what is known at once, and many clients that ask together. */
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

#include "admin_script.h"

/* --- the tests ------------------------------------------------------------------------------ */

/* Glance's answer is used for two seconds, which a slow machine may need for a test. */
static void assert_one_question(uint64_t began)
{
    assert_true(questions == 1 || clock_ms() - began >= 2000);
}

static void readyz_reports_draining_at_once(void **state)
{
    (void)state;
    uint64_t began = clock_ms();
    struct got got;
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 200);
    draining = true; /* while Glance's answer is still fresh */
    ask("GET", "/readyz", &got);
    assert_int_equal(got.status, 503);
    assert_one_question(began);
}

static void readyz_reports_a_missing_store_at_once(void **state)
{
    (void)state;
    uint64_t began = clock_ms();
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
    assert_one_question(began);
}

static void *ask_readyz(void *context)
{
    struct got *got = context;
    ask("GET", "/readyz", got);
    return NULL;
}

/* Ten scrapers at once are one question, and /healthz does not wait for it. */
static void concurrent_readyz_requests_probe_glance_once(void **state)
{
    (void)state;
    uint64_t began = clock_ms();
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
    assert_one_question(began);
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

static void admin_stops_while_a_client_waits(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(readyz_reports_draining_at_once),
        TEST(readyz_reports_a_missing_store_at_once),
        TEST(concurrent_readyz_requests_probe_glance_once),
        TEST(admin_stops_while_a_client_waits),
#undef TEST
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
