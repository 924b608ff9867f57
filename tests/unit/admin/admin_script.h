/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted Glance, the admin listener, and a client that asks it. Include after <cmocka.h>. */
#ifndef ADMIN_ADMIN_SCRIPT_H
#define ADMIN_ADMIN_SCRIPT_H

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

static inline struct snapshot *get_snapshot(void *context)
{
    return context;
}

static inline bool get_draining(void *context)
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
static char host[INET_ADDRSTRLEN];
static unsigned port;

/* A port that was free a moment ago, at an address that no other process uses. */
static inline void find_port(void)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address.address;
    *in = (struct sockaddr_in){.sin_family = AF_INET};
    in->sin_addr.s_addr = htonl(0x7f400000U | ((unsigned)getpid() & 0x3fffffU));
    assert_non_null(inet_ntop(AF_INET, &in->sin_addr, host, sizeof host));
    address.length = sizeof *in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)in, address.length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)in, &address.length), 0);
    assert_int_equal(close(fd), 0);
    port = ntohs(in->sin_port);
}

static inline struct admin *start(char *error, size_t error_size)
{
    static const struct config_facts config = {true, 1700000000123};
    const struct admin_sources sources = {
        .config = &config,
        .metrics = &metrics,
        .records = &records,
        .registries = 1,
        .spools = spools,
        .snapshot = get_snapshot,
        .draining = get_draining,
        .context = &snapshot,
    };
    return admin_start(&address, -1, &sources, error, error_size);
}

static inline int set_up(void **state)
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
    spools = spools_new(NULL); /* they are not used */
    find_port();
    admin = start(error, sizeof error);
    return admin && spools && log_open(LOG_FORMAT_TEXT, false, "/dev/null") ? 0 : -1;
}

static inline int tear_down(void **state)
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

static inline size_t append(char *data, size_t size, size_t count, void *context)
{
    strncat(context, data, size * count); /* the tests' answers are small */
    return size * count;
}

static inline void ask(const char *method, const char *path, struct got *got)
{
    char url[128];
    *got = (struct got){0};
    snprintf(url, sizeof url, "http://%s:%u%s", host, port, path);
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

static inline void assert_has(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("no \"%s\" in\n%s", wanted, text);
}

#endif
