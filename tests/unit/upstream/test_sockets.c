/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that libcurl reports: which stay watched, which are forgotten, and that no upload
 * writes to a descriptor that may have been reused. */
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

/* The linker takes this function instead of the C library's. */
void *one_reallocarray(void *old, size_t count, size_t size) __asm__("reallocarray");

void *one_reallocarray(void *old, size_t count, size_t size)
{
    return short_of_places ? NULL : realloc(old, count * size);
}

static unsigned epoll_errors; /* calls of epoll_ctl() that failed */

int one_epoll_ctl(int epoll, int how, int fd, struct epoll_event *event) __asm__("epoll_ctl");

int one_epoll_ctl(int epoll, int how, int fd, struct epoll_event *event)
{
    int result = (int)syscall(SYS_epoll_ctl, epoll, how, fd, event);
    epoll_errors += result != 0;
    return result;
}

static struct {
    struct loop *loop;
    struct glance *glance;
    CURL *easy, *another; /* of the transfer; of no transfer */
    struct transfer transfer;
    int here, there; /* the ends of a connection */
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
    yard.transfer.connection.fd = CURL_SOCKET_BAD;
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
    yard.transfer.raw_request.socket = known();
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

/* libcurl closes a socket without reporting its removal first. */
static void closed_socket_is_not_written(void **state)
{
    (void)state;
    write_raw_request();
    close_here();
    assert_null(yard.transfer.raw_request.socket);
}

/* libcurl may report the removal with the handle of another transfer. */
static void socket_released_by_libcurl_is_not_written(void **state)
{
    (void)state;
    write_raw_request();
    assert_int_equal(tell(yard.another, CURL_POLL_REMOVE), 0);
    assert_null(yard.transfer.raw_request.socket);
    assert_null(known());
    close_here();
}

/* If Glance closes the connection of a paused transfer, the loop must not wake up for it again and
 * again. */
static void socket_of_a_paused_transfer_stays_watched(void **state)
{
    (void)state;
    assert_int_equal(tell(yard.easy, CURL_POLL_IN), 0);
    assert_int_equal(yard.transfer.connection.fd, yard.here);
    yard.transfer.head_told = true;
    assert_int_equal(tell(yard.easy, CURL_POLL_REMOVE), 0);
    assert_int_equal(yard.transfer.connection.fd, CURL_SOCKET_BAD);
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

static void socket_closed_before_its_removal_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(tell(yard.easy, CURL_POLL_OUT), 0);
    close(yard.here); /* libcurl closes a socket that lost a race, and reports it later */
    assert_int_equal(tell(yard.easy, CURL_POLL_REMOVE), 0);
    assert_null(known());
}

/* libcurl closes such a socket before it reports the removal. By then another thread may have the
 * descriptor. */
static void connecting_socket_leaves_epoll_before_it_is_closed(void **state)
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
    curl_socket_t fd = transfer->connection.fd;
    assert_int_not_equal(fd, CURL_SOCKET_BAD);
    assert_int_equal(yard.glance->sockets[fd]->watch.events, LOOP_WRITE);
    epoll_errors = 0;
    transfer_abort(transfer);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_null(yard.glance->sockets[fd]);
    assert_int_equal(epoll_errors, 0);
    close(listening);
    close(yard.here);
}

/* libcurl and all other transfers go on. */
static void lack_of_memory_ends_one_transfer(void **state)
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
        TEST(closed_socket_is_not_written),
        TEST(socket_released_by_libcurl_is_not_written),
        TEST(socket_of_a_paused_transfer_stays_watched),
        TEST(socket_closed_before_its_removal_is_forgotten),
        TEST(connecting_socket_leaves_epoll_before_it_is_closed),
        TEST(lack_of_memory_ends_one_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
