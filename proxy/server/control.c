/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/control.h"

#include "intake/buffer.h"
#include "intake/log.h"
#include "intake/utf8.h"
#include "server/reload.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long reading the configuration may take, a policy on a slow disk included. */
enum { ANSWER_SECONDS = 60, WAITING_MAX = 8 };

/* Process ids mean nothing outside their namespace, and containers may share a network. */
socklen_t control_address(pid_t pid, struct sockaddr_un *address)
{
    struct stat space = {0};
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    stat("/proc/self/ns/pid", &space);
    int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1,
                          "glance-intake/%llu/%ld", (unsigned long long)space.st_ino, (long)pid);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* --- the one that is asked ---------------------------------------------------------------- */

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

/* An abstract socket has no permissions. Whoever may send this process a signal may ask it. */
static bool may_ask(int asker)
{
    struct ucred who;
    socklen_t length = sizeof who;
    return getsockopt(asker, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

int channel_accept(int channel)
{
    int asker = accept4(channel, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (asker < 0 || may_ask(asker))
        return asker;
    close(asker);
    return -1;
}

void channel_answer(int asker, const struct reload *reload)
{
    const char verdict = reload->fresh ? CONTROL_TAKEN : CONTROL_NOT_TAKEN;
    struct buffer text;
    buffer_init(&text, CHANNEL_TEXT_MAX);
    buffer_append(&text, &verdict, 1);
    for (size_t i = 0; i < reload->said.count; i++)
        buffer_print(&text, "%s\n", reload->said.lines[i]);
    const char *sent = text.len ? text.data : &verdict; /* the verdict needs no memory */
    if (send(asker, sent, text.len ? text.len : 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_say(LOG_LEVEL_WARNING, "whoever asked for a reload has left: %s", strerror(errno));
    buffer_free(&text);
    close(asker);
}

/* --- the one that asks -------------------------------------------------------------------- */

/* Another program could have taken the name. */
static bool is_process(int asked, pid_t pid)
{
    struct ucred who;
    socklen_t length = sizeof who;
    if (getsockopt(asked, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 && who.pid == pid)
        return true;
    errno = ECONNREFUSED;
    return false;
}

static ssize_t hear(pid_t pid, char *text, size_t room)
{
    struct sockaddr_un address;
    socklen_t length = control_address(pid, &address);
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int asked = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (asked < 0)
        return -1;
    ssize_t count = -1;
    if (setsockopt(asked, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        connect(asked, (struct sockaddr *)&address, length) == 0 && is_process(asked, pid))
        count = recv(asked, text, room, 0);
    int error = errno;
    close(asked);
    errno = error;
    return count;
}

int control_ask(pid_t pid, FILE *out, FILE *errors)
{
    char text[CHANNEL_TEXT_MAX + 1];
    ssize_t count = hear(pid, text, sizeof text - 1);
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
