/* SPDX-License-Identifier: Apache-2.0 */
/* Listens on a unix socket. Its file outlives a program that was killed, and bind() fails while a
 * file is there. So a socket to which nobody listens is removed before; a connection to it is
 * refused (unix(7)). A lock on the directory keeps two programs that start at the same time from
 * removing each other's socket between bind() and listen().
 *
 * As in nginx, everybody may connect: the permissions of the directory say who reaches it. */
#include "listener/unix_socket.h"

#include "intake/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 100, LOCK_PAUSE_MS = 10, EVERYBODY = 0666 };

static const char *path_of(const struct bind_address *bind_to)
{
    return ((const struct sockaddr_un *)&bind_to->address)->sun_path;
}

/* Others hold the lock for a moment only. Returns the locked directory; -1: failed, with errno. */
static int lock_directory(const char *path)
{
    char directory[sizeof((struct sockaddr_un *)NULL)->sun_path];
    size_t length = (size_t)(strrchr(path, '/') - path);
    snprintf(directory, sizeof directory, "%.*s", (int)(length ? length : 1), path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES) {
            int why = errno;
            close(fd);
            errno = why;
            return -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_MS * 1000000L}, NULL);
    }
    return fd;
}

/* Whether there is a socket to which nobody listens. Any other file is never removed. */
static bool is_stale(const struct bind_address *bind_to)
{
    struct stat status;
    if (lstat(path_of(bind_to), &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)&bind_to->address, bind_to->length) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int open_in_locked(const struct bind_address *bind_to, int backlog)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (is_stale(bind_to))
        unlink(path_of(bind_to));
    if (bind(fd, (const struct sockaddr *)&bind_to->address, bind_to->length) == 0 &&
        chmod(path_of(bind_to), EVERYBODY) == 0 && listen(fd, backlog) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int unix_socket_open(const struct bind_address *bind_to, int backlog)
{
    int directory = lock_directory(path_of(bind_to));
    if (directory < 0)
        return -1;
    int fd = open_in_locked(bind_to, backlog);
    int why = errno;
    close(directory);
    errno = why;
    return fd;
}

void unix_socket_remove(const struct bind_address *bind_to)
{
    int directory = lock_directory(path_of(bind_to));
    if (directory < 0)
        return;
    if (is_stale(bind_to))
        unlink(path_of(bind_to));
    close(directory);
}
