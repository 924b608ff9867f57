/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/probe.h"
#include "upstream/probe_handle.h"

#include "intake/clock.h"
#include "intake/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A Glance that always gives the same answer, and an address without a server. The socket of that
 * address is bound but does not listen, so no other program can take the port. */
static struct MHD_Daemon *glance;
static _Atomic unsigned status_to_give;
static _Atomic unsigned questions;
static char glance_url[64];
static int nobody = -1;
static char nobody_url[64];
static char why[256];

static enum MHD_Result healthcheck(void *context, struct MHD_Connection *connection,
                                   const char *path, const char *method, const char *version,
                                   const char *data, size_t *size, void **seen)
{
    (void)context;
    (void)version;
    (void)data;
    (void)seen;
    *size = 0;
    bool right = !strcmp(path, "/healthcheck") && !strcmp(method, "GET");
    struct MHD_Response *response =
        MHD_create_response_from_buffer(2, (void *)"OK", MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Location", glance_url); /* must not be followed */
    questions++;
    enum MHD_Result queued = MHD_queue_response(connection, right ? status_to_give : 404, response);
    MHD_destroy_response(response);
    return queued;
}

static int bind_nobody(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    nobody = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(nobody, (struct sockaddr *)&address, length) ||
        getsockname(nobody, (struct sockaddr *)&address, &length))
        return -1;
    snprintf(nobody_url, sizeof nobody_url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return 0;
}

static int start_glance(void **state)
{
    (void)state;
    glance = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, healthcheck, NULL,
                              MHD_OPTION_END);
    if (!glance)
        return -1;
    unsigned port = MHD_get_daemon_info(glance, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(glance_url, sizeof glance_url, "http://127.0.0.1:%u", port);
    return bind_nobody();
}

static int stop_glance(void **state)
{
    (void)state;
    MHD_stop_daemon(glance);
    return close(nobody);
}

static bool probe(char **endpoints, size_t count)
{
    struct settings settings = {0};
    settings.glance.endpoints = endpoints;
    settings.glance.endpoint_count = count;
    return glance_probe(&settings, why, sizeof why);
}

static const struct {
    unsigned status;
    bool healthy;
} STATUSES[] = {{200, true}, {204, true}, {302, true},  {401, true},
                {403, true}, {404, true}, {500, false}, {503, false}};

static void only_5xx_is_unhealthy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof STATUSES / sizeof *STATUSES; i++) {
        status_to_give = STATUSES[i].status;
        questions = 0;
        assert_int_equal(probe((char *[]){glance_url}, 1), STATUSES[i].healthy);
        assert_int_equal(questions, 1);
        char wanted[16];
        snprintf(wanted, sizeof wanted, "status %u", STATUSES[i].status);
        if (!STATUSES[i].healthy)
            assert_non_null(strstr(why, wanted));
    }
}

/* Lack of memory says nothing about the endpoint. */
static void curl_result_decides_the_health(void **state)
{
    (void)state;
    static const struct {
        CURLcode code;
        enum endpoint_health health;
    } ROWS[] = {
        {CURLE_OPERATION_TIMEDOUT, HEALTH_SILENT},
        {CURLE_COULDNT_CONNECT, HEALTH_FAILED},
        {CURLE_COULDNT_RESOLVE_HOST, HEALTH_FAILED},
        {CURLE_GOT_NOTHING, HEALTH_FAILED},
        {CURLE_RECV_ERROR, HEALTH_FAILED},
        {CURLE_PEER_FAILED_VERIFICATION, HEALTH_FAILED},
        {CURLE_OUT_OF_MEMORY, HEALTH_UNASKED},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        assert_int_equal(probe_result(NULL, ROWS[i].code, "http://x", why, sizeof why),
                         ROWS[i].health);
}

static void refused_connection_is_unhealthy(void **state)
{
    (void)state;
    assert_false(probe((char *[]){nobody_url}, 1));
    assert_non_null(strstr(why, nobody_url));
    assert_non_null(strstr(why, "connect"));
}

static void second_endpoint_is_asked_if_the_first_refuses(void **state)
{
    (void)state;
    status_to_give = 200;
    assert_true(probe((char *[]){nobody_url, glance_url}, 2));
}

static void endpoint_that_hangs_leaves_time_for_the_next(void **state)
{
    (void)state;
    status_to_give = 200;
    assert_int_equal(listen(nobody, 1), 0); /* accepts connections and never answers */
    uint64_t began = clock_ms();
    assert_true(probe((char *[]){nobody_url, glance_url}, 2));
    assert_in_range(clock_ms() - began, 900, 30000);

    began = clock_ms();
    assert_false(probe((char *[]){nobody_url}, 1));
    assert_in_range(clock_ms() - began, 1900, 30000);
}

/* libcurl looks names up in a thread of its own, and calls this function instead of the C
 * library's. A lookup returns when the test allows it, or after 30 s. */
static struct {
    sem_t asked, go_on, ended;
    _Atomic bool over;
} look_up;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai)
{
    (void)name;
    (void)service;
    (void)req;
    *pai = NULL;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    sem_post(&look_up.asked);
    while (sem_timedwait(&look_up.go_on, &until) && errno == EINTR)
        continue;
    look_up.over = true;
    sem_post(&look_up.ended);
    return EAI_AGAIN;
}

static void name_lookup_that_hangs_is_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(sem_init(&look_up.asked, 0, 0) | sem_init(&look_up.go_on, 0, 0) |
                         sem_init(&look_up.ended, 0, 0),
                     0);
    assert_false(probe((char *[]){"http://glance.example"}, 1));
    bool waited_for = look_up.over;
    assert_int_equal(sem_trywait(&look_up.asked), 0);
    sem_post(&look_up.go_on);
    sem_wait(&look_up.ended);
    assert_false(waited_for);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_5xx_is_unhealthy),
        cmocka_unit_test(curl_result_decides_the_health),
        cmocka_unit_test(refused_connection_is_unhealthy),
        cmocka_unit_test(second_endpoint_is_asked_if_the_first_refuses),
        cmocka_unit_test(name_lookup_that_hangs_is_not_waited_for),
        /* The last: it makes the socket listen. */
        cmocka_unit_test(endpoint_that_hangs_leaves_time_for_the_next),
    };
    return cmocka_run_group_tests(tests, start_glance, stop_glance);
}
