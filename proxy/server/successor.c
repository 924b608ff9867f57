/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the process that replaces this one, and watches it until it serves.
 *
 * It is not a child of this process: a process in between ends at once. So the service manager
 * inherits it, and notices when it ends, while this process still finishes its uploads. */
#include "server/successor.h"

#include "intake/buffer.h"
#include "intake/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* FIRST: of the passed descriptors, as in sd_listen_fds(3). */
enum { FIRST = 3, NUMBER_MAX = 24, MESSAGE_MAX = 256, TEXT_MAX = 64 * 1024 };

static const char LISTEN_PID[] = "LISTEN_PID=";

/* All that the new process needs between fork() and exec(), where nothing may be allocated. */
struct launch {
    char *const *arguments;
    char **environment;
    char listen_pid[sizeof LISTEN_PID + NUMBER_MAX];
    int *sockets; /* owned copy */
    int count;
    int channel; /* its end */
};

/* --- before the fork ------------------------------------------------------------------------- */

static bool is_replaced(const char *variable)
{
    static const char *const NAMES[] = {
        LISTEN_PID, "LISTEN_FDS=", "LISTEN_FDNAMES=", "GLANCE_INTAKE_PREDECESSOR="};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strncmp(variable, NAMES[i], strlen(NAMES[i])) == 0)
            return true;
    return false;
}

/* Writes three variables, each with its NUL: the count, the names, the channel. */
static bool write_variables(struct buffer *text, const struct passed_on *sockets, size_t count)
{
    bool good = buffer_print(text, "LISTEN_FDS=%zu", count) && buffer_append(text, "", 1) &&
                buffer_print(text, "LISTEN_FDNAMES=");
    for (size_t i = 0; i < count && good; i++)
        good = buffer_print(text, "%s%s", i ? ":" : "", sockets[i].name);
    return good && buffer_append(text, "", 1) &&
           buffer_print(text, "GLANCE_INTAKE_PREDECESSOR=%zu", FIRST + count);
}

/* Returns an array that points into `text`, into the launch, and into this process's environment.
 * NULL: no memory. */
static char **make_environment(struct launch *launch, const struct buffer *text)
{
    size_t size = 0;
    while (environ[size])
        size++;
    char **made = calloc(size + 5, sizeof *made);
    if (!made)
        return NULL;
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        if (!is_replaced(environ[i]))
            made[count++] = environ[i];
    char *variable = text->data;
    for (int i = 0; i < 3; i++, variable += strlen(variable) + 1)
        made[count++] = variable;
    made[count] = launch->listen_pid;
    return made;
}

/* --- in the new process: only calls that are safe after a fork in a program with threads ------ */

/* Writes the word and the number. `text` has space for the word and NUMBER_MAX more bytes. */
static void put_number(char *text, const char *word, unsigned long number)
{
    char digits[NUMBER_MAX];
    size_t first = sizeof digits - 1;
    digits[first] = '\0';
    do
        digits[--first] = (char)('0' + number % 10);
    while (number /= 10);
    memcpy(mempcpy(text, word, strlen(word)), digits + first, sizeof digits - first);
}

static void say_number(int channel, const char *word, unsigned long number)
{
    char message[MESSAGE_MAX];
    put_number(message, word, number);
    send(channel, message, strlen(message), MSG_NOSIGNAL);
}

/* Gives a copy of the descriptor this number, which is free, and so are those below it from FIRST
 * on. dup2() would do, but ThreadSanitizer takes it for a race with threads that are not in this
 * process. */
static bool place(int fd, int number)
{
    return fcntl(fd, F_DUPFD, number) == number;
}

/* Puts the sockets at FIRST and the numbers after it, then the channel, and closes all else. The
 * first copies are above these numbers, so that no socket is closed before it is copied. The
 * channel stays open, also after a failure. */
static bool place_descriptors(struct launch *launch)
{
    int above = FIRST + launch->count + 1;
    int channel = fcntl(launch->channel, F_DUPFD, above);
    if (channel < 0)
        return false;
    launch->channel = channel;
    for (int i = 0; i < launch->count; i++) {
        launch->sockets[i] = fcntl(launch->sockets[i], F_DUPFD, above);
        if (launch->sockets[i] < 0)
            return false;
    }
    close_range(FIRST, (unsigned)above - 1, 0);
    for (int i = 0; i < launch->count; i++)
        if (!place(launch->sockets[i], FIRST + i))
            return false;
    if (!place(launch->channel, FIRST + launch->count))
        return false;
    launch->channel = FIRST + launch->count;
    close_range((unsigned)above, ~0U, 0);
    return true;
}

static _Noreturn void become_successor(struct launch *launch)
{
    pid_t pid = getpid();
    put_number(launch->listen_pid, LISTEN_PID, (unsigned long)pid);
    say_number(launch->channel, "pid ", (unsigned long)pid);
    if (place_descriptors(launch))
        execvpe(launch->arguments[0], launch->arguments, launch->environment);
    say_number(launch->channel, "exec ", (unsigned long)errno);
    _exit(EXIT_FAILURE);
}

/* --- the start ------------------------------------------------------------------------------- */

/* 0, or an errno. */
static int fork_twice(struct launch *launch)
{
    pid_t between = _Fork();
    if (between == 0) {
        pid_t successor = _Fork();
        if (successor == 0)
            become_successor(launch);
        _exit(successor < 0 ? errno : 0);
    }
    int status = 0;
    if (between < 0)
        return errno;
    while (waitpid(between, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int launch_with(struct launch *launch, const struct passed_on *sockets, size_t count)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    launch->sockets = calloc(count, sizeof *launch->sockets);
    launch->count = (int)count;
    launch->environment = launch->sockets && write_variables(&text, sockets, count)
                              ? make_environment(launch, &text)
                              : NULL;
    int error = ENOMEM;
    if (launch->environment) {
        for (size_t i = 0; i < count; i++)
            launch->sockets[i] = sockets[i].fd;
        error = fork_twice(launch);
    }
    free(launch->environment);
    free(launch->sockets);
    buffer_free(&text);
    return error;
}

static void fail(struct successor *successor, const char *what, const char *detail)
{
    successor->state = SUCCESSOR_FAILED;
    snprintf(successor->why, sizeof successor->why, "%s%s", what, detail);
}

bool successor_start(struct successor *successor, char *const *arguments,
                     const struct passed_on *sockets, size_t count, unsigned timeout_ms)
{
    int ends[2];
    *successor = (struct successor){.give_up_at = clock_ms() + timeout_ms};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        fail(successor, "there is no channel to it: ", strerror(errno));
        return false;
    }
    struct launch launch = {.arguments = arguments, .channel = ends[1]};
    int error = launch_with(&launch, sockets, count);
    close(ends[1]);
    successor->channel = ends[0];
    successor->alive = error == 0;
    if (!successor->alive) {
        close(ends[0]);
        fail(successor, "the process cannot be made: ", strerror(error));
    }
    return successor->alive;
}

/* --- until it is ready ----------------------------------------------------------------------- */

/* Returns what follows the word. NULL: the message begins otherwise. */
static const char *after(const char *message, const char *word)
{
    size_t length = strlen(word);
    return strncmp(message, word, length) == 0 ? message + length : NULL;
}

static void take_message(struct successor *successor, const char *message)
{
    const char *text;
    if ((text = after(message, "pid ")))
        successor->pid = (pid_t)strtol(text, NULL, 10);
    else if ((text = after(message, "exec ")))
        fail(successor, "the program cannot be executed: ", strerror((int)strtol(text, NULL, 10)));
    else if ((text = after(message, "failed ")))
        fail(successor, text, "");
    else if (strcmp(message, "ready") == 0)
        successor->state = SUCCESSOR_READY;
}

/* False: there is no further message now. */
static bool read_message(struct successor *successor)
{
    char message[MESSAGE_MAX];
    ssize_t length = recv(successor->channel, message, sizeof message - 1, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (length <= 0) {
        fail(successor, "it ended before it was ready; the lines before this one may say why", "");
        return false;
    }
    message[length] = '\0';
    take_message(successor, message);
    return true;
}

/* The id is still its own: its end would have closed the channel. */
static void kill_starting(const struct successor *successor)
{
    if (successor->state == SUCCESSOR_STARTING && successor->pid > 0)
        kill(successor->pid, SIGKILL);
}

void successor_update(struct successor *successor)
{
    while (successor->state == SUCCESSOR_STARTING && read_message(successor))
        continue;
    if (successor->state != SUCCESSOR_STARTING || clock_ms() < successor->give_up_at)
        return;
    kill_starting(successor);
    fail(successor, "it was not ready in time", "");
}

void successor_confirm(const struct successor *successor)
{
    if (successor->alive)
        send(successor->channel, "go", 2, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void successor_end(struct successor *successor)
{
    if (!successor->alive)
        return;
    kill_starting(successor);
    close(successor->channel);
    successor->alive = false;
}
