/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, and sockets that are bound to them. Include after <cmocka.h>. */
#ifndef LISTENER_BIND_ADDRESSES_H
#define LISTENER_BIND_ADDRESSES_H

#include "intake/listener.h"
#include "intake/passed_sockets.h"
#include "intake/settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static inline struct bind_address address_at(const char *host, uint16_t port)
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

static inline uint16_t port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port); /* at the same place in a sockaddr_in6 */
}

/* A socket of another program, with these options, bound to the address. */
static inline int bound(const struct bind_address *address, bool reuse_port)
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

/* A port that was free a moment ago, at an address that no other process uses. */
static inline struct bind_address free_address(void)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr own = {htonl(0x7f400000U | ((unsigned)getpid() & 0x3fffffU))};
    assert_non_null(inet_ntop(AF_INET, &own, host, sizeof host));
    struct bind_address any = address_at(host, 0);
    int fd = bound(&any, false);
    uint16_t port = port_of(fd);
    close(fd);
    return address_at(host, port);
}

static inline void close_all(const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

/* Opens with none passed. `sockets` gets the descriptors: those of all workers for an address, then
 * those for the next one. */
static inline bool opens(const struct bind_address *binds, size_t count, unsigned workers,
                         int *sockets, char *error, size_t error_size)
{
    struct passed_sockets none = {0};
    struct listening_sockets opened;
    if (!sockets_open(binds, count, workers, &none, &opened, error, error_size))
        return false;
    assert_int_equal(opened.count, count * workers);
    for (size_t i = 0; i < opened.count; i++) {
        assert_int_equal(opened.all[i].worker, i % workers);
        sockets[i] = opened.all[i].fd;
    }
    sockets_free(&opened);
    return true;
}

static inline void assert_opens(const struct bind_address *binds, size_t count, unsigned workers,
                                int *sockets)
{
    char error[256] = "";
    if (!opens(binds, count, workers, sockets, error, sizeof error))
        fail_msg("%s", error);
}

static inline void remove_files(const struct bind_address *bind, bool own)
{
    struct listening_socket socket = {.fd = -1, .bind = bind, .own = own};
    sockets_remove_files(&(struct listening_sockets){&socket, 1});
}

#endif
