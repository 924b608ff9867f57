/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's sockets, as it tells of them: who rests, who is forgotten, and that nobody writes to a
 * number that may be another's by now. */
#include "upstream/upstream_priv.h"

#include "intake/loop.h"
#include "intake/settings.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static bool short_of_places;

/* The linker takes this one, and leaves the C library's. */
void *one_reallocarray(void *old, size_t count, size_t size) __asm__("reallocarray");

void *one_reallocarray(void *old, size_t count, size_t size)
{
    return short_of_places ? NULL : realloc(old, count * size);
}

static unsigned strangers; /* how often epoll was told of what it does not know */

int one_epoll_ctl(int epoll, int how, int fd, struct epoll_event *event) __asm__("epoll_ctl");

int one_epoll_ctl(int epoll, int how, int fd, struct epoll_event *event)
{
    int result = (int)syscall(SYS_epoll_ctl, epoll, how, fd, event);
    strangers += result != 0;
    return result;
}

static struct {
    struct loop *loop;
    struct glance *glance;
    CURL *easy, *another; /* the transfer's; one that has none */
    struct transfer transfer;
    int here, there; /* a connection's ends */
    struct timer stop;
    unsigned turns;
} yard;

static void run_out(struct task *task)
{
    (void)task;
}

static bool count_turn(void *context)
{
    (void)context;
    yard.turns++;
    return false;
}

static void stop_loop(struct timer *timer)
{
    (void)timer;
    loop_stop(yard.loop);
}

static int set_up(void **state)
{
    (void)state;
    int ends[2];
    memset(&yard, 0, sizeof yard);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    yard.here = ends[0];
    yard.there = ends[1];
    yard.loop = loop_new();
    yard.glance = glance_new(yard.loop);
    yard.easy = curl_easy_init();
    yard.another = curl_easy_init();
    yard.stop.fire = stop_loop;
    yard.transfer.glance = yard.glance;
    yard.transfer.socket = CURL_SOCKET_BAD;
    yard.transfer.memory_short.run = run_out;
    curl_easy_setopt(yard.easy, CURLOPT_PRIVATE, &yard.transfer);
    loop_add_prepare_hook(yard.loop, count_turn, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    task_cancel(yard.loop, &yard.transfer.memory_short);
    curl_easy_cleanup(yard.easy);
    curl_easy_cleanup(yard.another);
    glance_free(yard.glance);
    loop_free(yard.loop);
    close(yard.there);
    return 0;
}

static int tell(CURL *easy, int what)
{
    return sockets_changed(easy, yard.here, what, yard.glance, NULL);
}

static struct socket *known(void)
{
    return (size_t)yard.here < yard.glance->socket_places ? yard.glance->sockets[yard.here] : NULL;
}

static void write_raw_request(void)
{
    assert_int_equal(tell(yard.easy, CURL_POLL_IN), 0);
    yard.transfer.raw_socket = known();
    known()->writer = &yard.transfer;
    known()->write_wanted = true;
    assert_true(socket_watch(known()));
    assert_int_equal(known()->watch.events, LOOP_READ | LOOP_WRITE);
}

static void close_here(void)
{
    assert_int_equal(sockets_close(yard.glance, yard.here), 0);
    assert_null(known());
    assert_int_equal(fcntl(yard.here, F_GETFD), -1);
}

/* Also if libcurl does not say that it closes it, or says so of another transfer's. */
static void nobody_writes_to_one_that_is_closed(void **state)
{
    (void)state;
    write_raw_request();
    close_here();
    assert_null(yard.transfer.raw_socket);
}

static void nobody_writes_to_one_that_libcurl_has_let_go(void **state)
{
    (void)state;
    write_raw_request();
    assert_int_equal(tell(yard.another, CURL_POLL_REMOVE), 0);
    assert_null(yard.transfer.raw_socket);
    assert_null(known());
    close_here();
}

/* It stays watched while its transfer is paused; if Glance closes it, nobody looks again and again.
 */
static void who_is_paused_stays_watched(void **state)
{
    (void)state;
    assert_int_equal(tell(yard.easy, CURL_POLL_IN), 0);
    assert_int_equal(yard.transfer.socket, yard.here);
    yard.transfer.head_told = true;
    assert_int_equal(tell(yard.easy, CURL_POLL_REMOVE), 0);
    assert_int_equal(yard.transfer.socket, CURL_SOCKET_BAD);
    assert_non_null(known());
    assert_int_equal(known()->watch.events, LOOP_READ);
    shutdown(yard.there, SHUT_RDWR);
    assert_true(timer_set(yard.loop, &yard.stop, 50));
    loop_run(yard.loop);
    assert_in_range(yard.turns, 1, 5);
    assert_int_equal(known()->watch.events, 0);
    assert_int_equal(tell(yard.another, CURL_POLL_OUT), 0);
    assert_int_equal(known()->watch.events, LOOP_WRITE);
    close_here();
}

static void who_lost_a_race_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(tell(yard.easy, CURL_POLL_OUT), 0);
    close(yard.here); /* which libcurl does with such a one, and tells later */
    assert_int_equal(tell(yard.easy, CURL_POLL_REMOVE), 0);
    assert_null(known());
}

/* libcurl closes such a connection before it tells of it: its number may be another thread's then.
 */
static void who_connects_in_vain_is_taken_out_in_time(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(listening, 1), 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    char *endpoints[] = {url};
    const struct settings settings = {
        .glance = {.endpoints = endpoints, .endpoint_count = 1, .connect_timeout = 5000}};
    struct headers headers = {0};
    const struct upstream_request request = {.method = "GET", .target = "/", .headers = &headers};
    const struct upstream_callbacks owner = {0};

    struct transfer *transfer = transfer_start(yard.glance, &settings, &request, &owner, NULL);
    assert_non_null(transfer);
    glance_drive(yard.glance, CURL_SOCKET_TIMEOUT, 0);
    curl_socket_t fd = transfer->socket;
    assert_int_not_equal(fd, CURL_SOCKET_BAD);
    assert_int_equal(yard.glance->sockets[fd]->watch.events, LOOP_WRITE);
    strangers = 0;
    transfer_abort(transfer);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_null(yard.glance->sockets[fd]);
    assert_int_equal(strangers, 0);
    close(listening);
    close(yard.here);
}

/* One transfer ends; libcurl, and all others, go on. */
static void without_memory_one_transfer_ends(void **state)
{
    (void)state;
    short_of_places = true;
    assert_int_equal(tell(yard.easy, CURL_POLL_IN), 0);
    assert_non_null(yard.transfer.memory_short.place.next);
    assert_int_equal(tell(yard.another, CURL_POLL_IN), 0);
    assert_int_equal(tell(yard.easy, CURL_POLL_REMOVE), 0);
    assert_null(known());
    close_here();
    short_of_places = false;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nobody_writes_to_one_that_is_closed),
        TEST(nobody_writes_to_one_that_libcurl_has_let_go),
        TEST(who_is_paused_stays_watched),
        TEST(who_lost_a_race_is_forgotten),
        TEST(who_connects_in_vain_is_taken_out_in_time),
        TEST(without_memory_one_transfer_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
