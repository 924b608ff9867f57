/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the listening sockets, one per worker and address. For a unix socket there is only one, and
 * each worker has its own descriptor of it.
 *
 * With SO_REUSEPORT a second program of the same user would silently share the port. So the first
 * socket of an address is bound without it. bind() fails if another program listens there. listen()
 * fails if another program has begun to listen since: two programs that start at the same time may
 * both have bound the address. Then SO_REUSEPORT is set, and the other workers' sockets join.
 *
 * Sockets that were passed to the program are all used, since connections may wait in any of them.
 * A worker may get several. Where they are too few, workers share them: systemd's sockets belong to
 * another user, and the kernel lets no socket of ours join them. */
#include "intake/listener.h"
#include "intake/passed_sockets.h"
#include "intake/settings.h"
#include "listener/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static bool turn_on(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

/* `first`: fail if another program uses the address. Returns -1 and sets errno on failure. */
static int open_internet(const struct bind_address *bind_to, bool first)
{
    const struct sockaddr *address = (const struct sockaddr *)&bind_to->address;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool ipv6 = address->sa_family == AF_INET6;
    bool done = turn_on(fd, SOL_SOCKET, SO_REUSEADDR) &&
                (!ipv6 || turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
                (first || turn_on(fd, SOL_SOCKET, SO_REUSEPORT)) &&
                bind(fd, address, bind_to->length) == 0 && listen(fd, BACKLOG) == 0 &&
                (!first || turn_on(fd, SOL_SOCKET, SO_REUSEPORT));
    if (!done) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static void add(struct listening_sockets *sockets, const struct listening_socket *added)
{
    sockets->all[sockets->count++] = *added;
}

/* The kernel's queue gets the length that it has for sockets of our own. */
static bool take_passed(const struct bind_address *bind_to, unsigned workers,
                        struct passed_sockets *passed, struct listening_sockets *sockets)
{
    const struct sockaddr *address = (const struct sockaddr *)&bind_to->address;
    struct listening_socket socket = {.bind = bind_to};
    while ((socket.fd = passed_sockets_take(passed, address, &socket.own)) >= 0) {
        add(sockets, &socket);
        socket.worker = (socket.worker + 1) % workers;
        if (listen(socket.fd, BACKLOG) != 0)
            return false;
    }
    return true;
}

/* False, with errno: it failed. The list has the sockets that were opened. */
static bool open_for_all(const struct bind_address *bind_to, unsigned workers,
                         struct passed_sockets *passed, struct listening_sockets *sockets)
{
    const struct listening_socket *of_bind = sockets->all + sockets->count;
    if (!take_passed(bind_to, workers, passed, sockets))
        return false;
    size_t passed_count = (size_t)(sockets->all + sockets->count - of_bind);
    bool is_unix = bind_to->address.ss_family == AF_UNIX;
    for (unsigned worker = (unsigned)passed_count; worker < workers; worker++) {
        bool share = passed_count > 0 || (is_unix && worker > 0);
        size_t first = passed_count ? worker % passed_count : 0;
        int fd = share     ? fcntl(of_bind[first].fd, F_DUPFD_CLOEXEC, 0)
                 : is_unix ? unix_socket_open(bind_to, BACKLOG)
                           : open_internet(bind_to, worker == 0);
        if (fd < 0)
            return false;
        add(sockets, &(struct listening_socket){.fd = fd,
                                                .bind = bind_to,
                                                .worker = worker,
                                                .shared = share,
                                                .own = share ? of_bind[first].own : true});
    }
    return true;
}

bool sockets_open(const struct bind_address *binds, size_t count, unsigned workers,
                  struct passed_sockets *passed, struct listening_sockets *sockets, char *error,
                  size_t error_size)
{
    *sockets = (struct listening_sockets){
        .all = calloc(count * workers + passed->count, sizeof *sockets->all)};
    for (size_t i = 0; i < count; i++) {
        if (sockets->all && open_for_all(&binds[i], workers, passed, sockets))
            continue;
        snprintf(error, error_size, "cannot listen on %s: %s", binds[i].text,
                 strerror(sockets->all ? errno : ENOMEM));
        for (size_t j = 0; j < sockets->count; j++)
            close(sockets->all[j].fd);
        sockets_remove_files(sockets);
        sockets_free(sockets);
        return false;
    }
    return true;
}

void sockets_free(struct listening_sockets *sockets)
{
    free(sockets->all);
    *sockets = (struct listening_sockets){0};
}

void sockets_remove_files(const struct listening_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct listening_socket *socket = &sockets->all[i];
        if (socket->own && !socket->shared && socket->bind->address.ss_family == AF_UNIX)
            unix_socket_remove(socket->bind);
    }
}
