/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets on ports that are free. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bind_addresses.h"

static int connected(const struct bind_address *address)
{
    int fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address->address, address->length), 0);
    return fd;
}

static void sockets_are_in_order_and_nonblocking(void **state)
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
        const struct sockaddr_in *in = (const struct sockaddr_in *)&binds[i / WORKERS].address;
        assert_int_equal(port_of(sockets[i]), ntohs(in->sin_port));
        assert_true(fcntl(sockets[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(sockets[i], F_GETFD) & FD_CLOEXEC);
    }
    close_all(sockets, WORKERS * COUNT);
}

/* Each connection goes to one worker, and each worker gets some. */
static void workers_share_the_connections(void **state)
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

/* Connections in TIME_WAIT do not delay a restart. */
static void closed_port_can_be_opened_again_at_once(void **state)
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

/* Without IPv6, an IPv6 address is an error. It is not skipped silently. */
static void ipv4_and_ipv6_can_have_the_same_port(void **state)
{
    (void)state;
    const struct bind_address here = free_address();
    uint16_t port = ntohs(((const struct sockaddr_in *)&here.address)->sin_port);
    const struct bind_address binds[] = {address_at("0.0.0.0", port), address_at("::", port)};
    int sockets[4];
    char error[256] = "";
    if (!has_ipv6()) {
        const struct bind_address loopback6 = address_at("::1", port);
        assert_false(opens(&loopback6, 1, 2, sockets, error, sizeof error));
        assert_non_null(strstr(error, "cannot listen on the address: "));
        return;
    }
    assert_opens(binds, 2, 2, sockets);
    const struct bind_address client6 = address_at("::1", port);
    close(connected(&here));
    close(connected(&client6));
    close_all(sockets, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_in_order_and_nonblocking),
        cmocka_unit_test(workers_share_the_connections),
        cmocka_unit_test(closed_port_can_be_opened_again_at_once),
        cmocka_unit_test(ipv4_and_ipv6_can_have_the_same_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
