/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the sockets that were passed to this process, and hands them out by address. */
#include "intake/passed_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* Makes a socket ready for use. NULL: it is. Otherwise what is wrong. */
static const char *adopt(struct passed_socket *socket, int fd)
{
    socket->fd = fd;
    socket->length = sizeof socket->address;
    int listens = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1);
    if (listens == 0)
        return "it does not listen; a .socket unit needs ListenStream=, and no Accept=yes";
    int flags = fcntl(fd, F_GETFL);
    if (listens < 0 || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        getsockname(fd, (struct sockaddr *)&socket->address, &socket->length) != 0)
        return listens < 0 ? strerror(-listens) : strerror(errno);
    return NULL;
}

static bool adopt_all(struct passed_sockets *passed, char *const *names, size_t count, char *error,
                      size_t error_size)
{
    while (passed->count < count) {
        int fd = SD_LISTEN_FDS_START + (int)passed->count;
        passed->all[passed->count].own = strcmp(names[passed->count], PASSED_OWN) == 0;
        const char *fault = adopt(&passed->all[passed->count++], fd);
        if (fault) {
            snprintf(error, error_size, "descriptor %d was passed as a listening socket: %s", fd,
                     fault);
            return false;
        }
    }
    return true;
}

bool passed_sockets_read(struct passed_sockets *passed, char *error, size_t error_size)
{
    *passed = (struct passed_sockets){0};
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    if (count == 0)
        return true;
    if (count > 0)
        passed->all = calloc((size_t)count, sizeof *passed->all);
    bool good = passed->all && adopt_all(passed, names, (size_t)count, error, error_size);
    if (!passed->all)
        snprintf(error, error_size, "the sockets in LISTEN_FDS cannot be used: %s",
                 strerror(count < 0 ? -count : ENOMEM));
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return good;
}

/* --- addresses ------------------------------------------------------------------------------- */

static bool same_unix(const struct sockaddr_un *a, const struct sockaddr_un *b)
{
    return strncmp(a->sun_path, b->sun_path, sizeof a->sun_path) == 0;
}

static bool same_internet6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return a->sin6_port == b->sin6_port && a->sin6_scope_id == b->sin6_scope_id &&
           memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
}

static bool same_internet(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    switch (a->sa_family) {
    case AF_UNIX:
        return same_unix((const struct sockaddr_un *)a, (const struct sockaddr_un *)b);
    case AF_INET6:
        return same_internet6((const struct sockaddr_in6 *)a, (const struct sockaddr_in6 *)b);
    case AF_INET:
        return same_internet((const struct sockaddr_in *)a, (const struct sockaddr_in *)b);
    default:
        return false;
    }
}

void passed_socket_address(const struct passed_socket *socket, char *text, size_t size)
{
    const struct sockaddr *address = (const struct sockaddr *)&socket->address;
    bool ipv6 = address->sa_family == AF_INET6;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (address->sa_family == AF_UNIX)
        snprintf(text, size, "unix:%.*s", (int)sizeof((struct sockaddr_un *)NULL)->sun_path,
                 ((const struct sockaddr_un *)address)->sun_path);
    else if (getnameinfo(address, socket->length, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(text, size, "%s%s%s:%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
    else
        snprintf(text, size, "(another kind of address)");
}

/* --- handing out ----------------------------------------------------------------------------- */

int passed_sockets_take(struct passed_sockets *passed, const struct sockaddr *address, bool *own)
{
    for (size_t i = 0; i < passed->count; i++) {
        struct passed_socket *socket = &passed->all[i];
        if (socket->fd < 0 || !same_address((const struct sockaddr *)&socket->address, address))
            continue;
        int fd = socket->fd;
        socket->fd = -1;
        *own = socket->own;
        return fd;
    }
    return -1;
}

void passed_sockets_free(struct passed_sockets *passed)
{
    for (size_t i = 0; i < passed->count; i++)
        if (passed->all[i].fd >= 0)
            close(passed->all[i].fd);
    free(passed->all);
    *passed = (struct passed_sockets){0};
}
