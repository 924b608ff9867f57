/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the listening sockets, one per worker and address.
 *
 * With SO_REUSEPORT a second program of the same user would silently share the port. So the first
 * socket of an address is bound without it. bind() fails if another program listens there. listen()
 * fails if another program has begun to listen since: two programs that start at the same time may
 * both have bound the address. Then SO_REUSEPORT is set, and the other workers' sockets join. */
#include "intake/listener.h"
#include "intake/settings.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
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
static int open_one(const struct bind_address *bind_to, bool first)
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

bool sockets_open(const struct bind_address *binds, size_t count, unsigned workers, int *sockets,
                  char *error, size_t error_size)
{
    size_t opened = 0;
    for (unsigned worker = 0; worker < workers; worker++) {
        for (size_t i = 0; i < count; i++) {
            int fd = open_one(&binds[i], worker == 0);
            if (fd < 0) {
                snprintf(error, error_size, "cannot listen on %s: %s", binds[i].text,
                         strerror(errno));
                while (opened)
                    close(sockets[--opened]);
                return false;
            }
            sockets[opened++] = fd;
        }
    }
    return true;
}
