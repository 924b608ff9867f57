/* SPDX-License-Identifier: Apache-2.0 */
/* Talks to the process that this one replaces. */
#include "intake/predecessor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

enum { MESSAGE_MAX = 256 };

static const char VARIABLE[] = "GLANCE_INTAKE_PREDECESSOR";

/* -1: the text is not the number of a channel. */
static int channel_from(const char *text)
{
    char *end = NULL;
    long fd = strtol(text, &end, 10);
    if (end == text || *end || fd < 0 || fd > INT_MAX ||
        sd_is_socket((int)fd, AF_UNIX, SOCK_SEQPACKET, 0) <= 0)
        return -1;
    return fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0 ? (int)fd : -1;
}

int predecessor_find(void)
{
    const char *text = getenv(VARIABLE);
    int channel = text ? channel_from(text) : -1;
    unsetenv(VARIABLE);
    return channel;
}

static void tell(int predecessor, const char *message)
{
    if (predecessor >= 0)
        send(predecessor, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void predecessor_tell_failure(int predecessor, const char *why)
{
    char message[MESSAGE_MAX];
    snprintf(message, sizeof message, "failed %s", why);
    tell(predecessor, message);
}

void predecessor_tell_ready(int predecessor)
{
    tell(predecessor, "ready");
}

enum predecessor_news predecessor_news(int predecessor)
{
    char message[MESSAGE_MAX];
    ssize_t length = recv(predecessor, message, sizeof message, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return PREDECESSOR_SILENT;
    if (length <= 0)
        return PREDECESSOR_ENDED;
    return length == 2 && memcmp(message, "go", 2) == 0 ? PREDECESSOR_CONFIRMS : PREDECESSOR_SILENT;
}

/* The kernel notes who made the pair of sockets (unix(7)). */
pid_t predecessor_pid(int predecessor)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    getsockopt(predecessor, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    return peer.pid;
}

/* It ends its channel before its id can be another process's. */
void predecessor_hang_up(int predecessor)
{
    struct pollfd channel = {.fd = predecessor};
    pid_t pid = predecessor_pid(predecessor);
    if (pid > 0 && poll(&channel, 1, 0) == 0)
        kill(pid, SIGHUP);
}
