/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: --reload sends a request to the running process and gets its answer. */
#include "intake/control.h"

#include "intake/buffer.h"
#include "intake/log.h"
#include "intake/utf8.h"
#include "server/reload.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ANSWER_SECONDS includes reading a policy from a slow disk. */
enum { ANSWER_SECONDS = 60, WAITING_MAX = 8 };

/* Writes the address of a process's control socket, and returns its length. The address is
 * abstract, so it needs no directory and leaves no file. It has the process id, because service
 * managers know that. Containers may share a network but not process ids, so the name includes the
 * pid namespace. */
static socklen_t control_address(pid_t pid, struct sockaddr_un *address)
{
    struct stat space = {0};
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    stat("/proc/self/ns/pid", &space);
    int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1,
                          "glance-intake/%llu/%ld", (unsigned long long)space.st_ino, (long)pid);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* --- the running process ------------------------------------------------------------------ */

int channel_open(void)
{
    struct sockaddr_un address;
    socklen_t length = control_address(getpid(), &address);
    int channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (channel >= 0 && bind(channel, (struct sockaddr *)&address, length) == 0 &&
        listen(channel, WAITING_MAX) == 0)
        return channel;
    log_say(LOG_LEVEL_WARNING, "--reload will not work with this process: %s", strerror(errno));
    if (channel >= 0)
        close(channel);
    return -1;
}

/* An abstract socket has no file permissions. Users that may signal this process are allowed. */
static bool may_request(int client)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

int channel_accept(int channel)
{
    int client = accept4(channel, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0 || may_request(client))
        return client;
    close(client);
    return -1;
}

void channel_answer(int client, const struct reload *reload)
{
    const char verdict = reload->snapshot ? CONTROL_TAKEN : CONTROL_NOT_TAKEN;
    struct buffer text;
    buffer_init(&text, CHANNEL_TEXT_MAX);
    buffer_append(&text, &verdict, 1);
    for (size_t i = 0; i < reload->messages.count; i++)
        buffer_print(&text, "%s\n", reload->messages.lines[i]);
    const char *sent = text.len ? text.data : &verdict; /* the verdict can be sent without memory */
    if (send(client, sent, text.len ? text.len : 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_say(LOG_LEVEL_WARNING, "the client of --reload left before the result: %s",
                strerror(errno));
    buffer_free(&text);
    close(client);
}

/* --- the client: --reload ----------------------------------------------------------------- */

/* Another program could have bound the name, so the peer must have this process id. */
static bool is_process(int fd, pid_t pid)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == pid)
        return true;
    errno = ECONNREFUSED;
    return false;
}

static ssize_t request_reload(pid_t pid, char *text, size_t size)
{
    struct sockaddr_un address;
    socklen_t length = control_address(pid, &address);
    const struct timeval timeout = {.tv_sec = ANSWER_SECONDS};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    ssize_t count = -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
        connect(fd, (struct sockaddr *)&address, length) == 0 && is_process(fd, pid))
        count = recv(fd, text, size, 0);
    int error = errno;
    close(fd);
    errno = error;
    return count;
}

int control_ask(pid_t pid, FILE *out, FILE *errors)
{
    char text[CHANNEL_TEXT_MAX + 1];
    ssize_t count = request_reload(pid, text, sizeof text - 1);
    if (count <= 0) {
        fprintf(errors, "glance-intake: process %ld does not answer: %s\n", (long)pid,
                count == 0 ? "it has ended" : strerror(errno));
        return EXIT_FAILURE;
    }
    text[count] = '\0';
    bool taken = text[0] == CONTROL_TAKEN;
    utf8_show(text + 1, "\n", errors);
    fprintf(taken ? out : errors, "%s\n",
            taken ? "the new configuration is in force"
                  : "the new configuration was not taken; the old one stays in force");
    return taken ? EXIT_SUCCESS : EXIT_FAILURE;
}
