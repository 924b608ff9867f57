/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/listener.h"

#include "intake/settings.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- addresses --------------------------------------------------------------------------- */

static struct bind_address address_at(const char *host, uint16_t port)
{
    struct bind_address address = {.text = "the address"};
    struct sockaddr_in *in = (struct sockaddr_in *)&address.address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.address;
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        address.length = sizeof *in;
    } else {
        assert_int_equal(inet_pton(AF_INET6, host, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        address.length = sizeof *in6;
    }
    return address;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port); /* at the same place in a sockaddr_in6 */
}

/* A socket of somebody else's, with these options, bound to the address. */
static int bound(const struct bind_address *address, bool reuse_port)
{
    int on = 1;
    int fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    if (reuse_port)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address->address, address->length), 0);
    return fd;
}

static int listening(const struct bind_address *address, bool reuse_port)
{
    int fd = bound(address, reuse_port);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static struct bind_address free_address(void)
{
    struct bind_address any = address_at("127.0.0.1", 0);
    int fd = bound(&any, false);
    uint16_t port = port_of(fd);
    close(fd);
    return address_at("127.0.0.1", port);
}

static int connected(const struct bind_address *address)
{
    int fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address->address, address->length), 0);
    return fd;
}

static void close_all(const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

/* The lowest free descriptor: it rises when one is left open. */
static int next_descriptor(void)
{
    int fd = dup(STDIN_FILENO);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void assert_opens(const struct bind_address *binds, size_t count, unsigned workers,
                         int *sockets)
{
    char error[256] = "";
    if (!sockets_open(binds, count, workers, sockets, error, sizeof error))
        fail_msg("%s", error);
}

static void assert_refused(const struct bind_address *binds, size_t count, const char *expected)
{
    int sockets[8];
    char error[256] = "";
    int before = next_descriptor();
    assert_false(sockets_open(binds, count, 2, sockets, error, sizeof error));
    assert_string_equal(error, expected);
    assert_int_equal(next_descriptor(), before);
}

static const char TAKEN[] = "cannot listen on the address: Address already in use";

/* --- a port of our own ------------------------------------------------------------------- */

static void they_come_by_worker_ready_for_a_loop(void **state)
{
    (void)state;
    enum { WORKERS = 3, COUNT = 2 };
    struct bind_address binds[COUNT];
    int sockets[WORKERS * COUNT];
    binds[0] = free_address();
    do
        binds[1] = free_address();
    while (memcmp(&binds[0].address, &binds[1].address, binds[0].length) == 0);
    assert_opens(binds, COUNT, WORKERS, sockets);
    for (size_t i = 0; i < WORKERS * COUNT; i++) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&binds[i % COUNT].address;
        assert_int_equal(port_of(sockets[i]), ntohs(in->sin_port));
        assert_true(fcntl(sockets[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(sockets[i], F_GETFD) & FD_CLOEXEC);
    }
    close_all(sockets, WORKERS * COUNT);
}

/* Each connection comes to one worker, and none of them is left without. */
static void the_workers_share_the_connections(void **state)
{
    (void)state;
    enum { WORKERS = 3, CLIENTS = 150 };
    const struct bind_address address = free_address();
    int sockets[WORKERS], clients[CLIENTS];
    unsigned accepted[WORKERS] = {0}, all = 0;
    assert_opens(&address, 1, WORKERS, sockets);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = connected(&address);
    for (size_t worker = 0; worker < WORKERS; worker++) {
        for (int fd; (fd = accept4(sockets[worker], NULL, NULL, SOCK_CLOEXEC)) >= 0; all++) {
            accepted[worker]++;
            close(fd);
        }
        assert_true(accepted[worker] > 0);
    }
    assert_int_equal(all, CLIENTS);
    close_all(clients, CLIENTS);
    close_all(sockets, WORKERS);
}

/* Connections that ended a moment ago do not keep a new start waiting. */
static void a_port_left_behind_is_free_at_once(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    int sockets[2];
    assert_opens(&address, 1, 2, sockets);
    for (int i = 0; i < 8; i++) {
        int client = connected(&address);
        struct pollfd ready[2] = {{.fd = sockets[0], .events = POLLIN},
                                  {.fd = sockets[1], .events = POLLIN}};
        assert_int_equal(poll(ready, 2, 5000), 1);
        close(accept4(sockets[ready[0].revents ? 0 : 1], NULL, NULL, SOCK_CLOEXEC));
        close(client);
    }
    close_all(sockets, 2);
    assert_opens(&address, 1, 2, sockets);
    close_all(sockets, 2);
}

/* A container may have no IPv6. */
static bool has_ipv6(void)
{
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct bind_address loopback6 = address_at("::1", 0);
    bool ipv6 = probe >= 0 &&
                bind(probe, (const struct sockaddr *)&loopback6.address, loopback6.length) == 0;
    if (probe >= 0)
        close(probe);
    return ipv6;
}

/* Without IPv6 an address of it is an error, and not left out in silence. */
static void ipv4_and_ipv6_have_a_port_each(void **state)
{
    (void)state;
    const struct bind_address here = free_address();
    uint16_t port = ntohs(((const struct sockaddr_in *)&here.address)->sin_port);
    const struct bind_address binds[] = {address_at("0.0.0.0", port), address_at("::", port)};
    int sockets[4];
    char error[256] = "";
    if (!has_ipv6()) {
        const struct bind_address loopback6 = address_at("::1", port);
        assert_false(sockets_open(&loopback6, 1, 2, sockets, error, sizeof error));
        assert_non_null(strstr(error, "cannot listen on the address: "));
        return;
    }
    assert_opens(binds, 2, 2, sockets);
    const struct bind_address client6 = address_at("::1", port);
    close(connected(&here));
    close(connected(&client6));
    close_all(sockets, 4);
}

/* --- a port of somebody else's ----------------------------------------------------------- */

static void a_port_that_is_taken_is_an_error(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    int other = listening(&address, false);
    assert_refused(&address, 1, TAKEN);
    close(other);
}

/* The kernel would let a program of the same user join it. */
static void so_is_one_that_is_shared(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    const int others[] = {listening(&address, true), listening(&address, true)};
    assert_refused(&address, 1, TAKEN);
    close_all(others, 2);
}

static void so_is_one_that_another_instance_has(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    int sockets[3];
    assert_opens(&address, 1, 3, sockets);
    assert_refused(&address, 1, TAKEN);
    close_all(sockets, 3);
    assert_opens(&address, 1, 3, sockets);
    close_all(sockets, 3);
}

static void so_is_the_same_address_twice(void **state)
{
    (void)state;
    const struct bind_address address = free_address();
    const struct bind_address binds[] = {address, address};
    assert_refused(binds, 2, TAKEN);
}

static void so_is_one_address_of_several(void **state)
{
    (void)state;
    struct bind_address binds[2] = {free_address()};
    int other = listening(&binds[0], false);
    binds[1] = binds[0];
    binds[1].text = "the second";
    binds[0] = free_address();
    assert_refused(binds, 2, "cannot listen on the second: Address already in use");
    close(listening(&binds[0], false)); /* nothing of ours is left on the first */
    close(other);
}

static void an_address_of_another_machine_cannot_be_had(void **state)
{
    (void)state;
    const struct bind_address address = address_at("192.0.2.1", 9292);
    assert_refused(&address, 1, "cannot listen on the address: Cannot assign requested address");
}

/* --- two that start at the same moment --------------------------------------------------- */

enum { ROUNDS = 500, WORKERS_EACH = 2 };

struct instance {
    const struct bind_address *address;
    pthread_barrier_t *start;
    int sockets[WORKERS_EACH];
    bool has_it;
};

static void *start_instance(void *context)
{
    struct instance *instance = context;
    char error[256];
    pthread_barrier_wait(instance->start);
    instance->has_it =
        sockets_open(instance->address, 1, WORKERS_EACH, instance->sockets, error, sizeof error);
    return NULL;
}

static void two_that_start_at_once_do_not_share(void **state)
{
    (void)state;
    pthread_barrier_t start;
    int had = 0;
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (int round = 0; round < ROUNDS; round++) {
        const struct bind_address address = free_address();
        struct instance a = {.address = &address, .start = &start}, b = a;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, start_instance, &a), 0);
        start_instance(&b);
        assert_int_equal(pthread_join(thread, NULL), 0);
        close_all(a.sockets, a.has_it ? WORKERS_EACH : 0);
        close_all(b.sockets, b.has_it ? WORKERS_EACH : 0);
        if (a.has_it && b.has_it)
            fail_msg("round %d: both have it", round);
        had += a.has_it || b.has_it;
    }
    assert_true(had > 0); /* seldom, each is in the other's way */
    pthread_barrier_destroy(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_by_worker_ready_for_a_loop),
        cmocka_unit_test(the_workers_share_the_connections),
        cmocka_unit_test(a_port_left_behind_is_free_at_once),
        cmocka_unit_test(ipv4_and_ipv6_have_a_port_each),
        cmocka_unit_test(a_port_that_is_taken_is_an_error),
        cmocka_unit_test(so_is_one_that_is_shared),
        cmocka_unit_test(so_is_one_that_another_instance_has),
        cmocka_unit_test(so_is_the_same_address_twice),
        cmocka_unit_test(so_is_one_address_of_several),
        cmocka_unit_test(an_address_of_another_machine_cannot_be_had),
        cmocka_unit_test(two_that_start_at_once_do_not_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
