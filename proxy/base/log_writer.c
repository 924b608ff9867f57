/* SPDX-License-Identifier: Apache-2.0 */
/* Writes log lines from a bounded queue, in one thread. The program must not hang when the reader
 * of its log does: a pipe whose reader hangs, a paused terminal, a lost file system. The thread
 * waits in poll(2) rather than in write(2), so that a reload can change the destination meanwhile.
 * Lines that do not fit in the queue are lost and counted. The log reports them once writing works
 * again.
 *
 *     log_writer_put() -> queue -> thread -> write(2), or the journal
 *
 * Before log_writer_begin() and after log_end() there is no thread. The caller then writes the line
 * itself. */
#include "base/log_writer.h"

#include "base/journal.h"
#include "intake/clock.h"
#include "intake/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_SIZE = 1 << 20, POLL_MS = 200, DIRECT_WRITE_MS = 1000, RETRY_MS = 10 };

static _Atomic int destination = STDERR_FILENO;
static _Atomic uint64_t lost;
static void (*report_lost)(uint64_t lines); /* set before the thread starts */
static _Atomic bool abandoned;              /* log_end() has timed out and abandoned the thread */

static struct {
    pthread_mutex_t lock; /* guards all members below */
    pthread_cond_t changed;
    pthread_t thread;
    bool running;
    bool ending;
    bool writing;        /* the thread is writing lines that it took from the queue */
    uint64_t unreported; /* lines lost since the log last reported some */
    size_t start, count;
    char bytes[QUEUE_SIZE]; /* a ring buffer */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

void log_writer_set_destination(int fd)
{
    destination = fd;
}

uint64_t log_lost(void)
{
    return lost;
}

/* --- writing --------------------------------------------------------------------------- */

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
}

/* As write(2), but never blocks on a socket. Under systemd, standard error is a socket. */
static ssize_t write_some(const char *bytes, size_t count)
{
    ssize_t sent = send(destination, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 && errno == ENOTSOCK ? write(destination, bytes, count) : sent;
}

static bool try_later(int error)
{
    if (error == EAGAIN)
        pause_ms(RETRY_MS);
    return error == EAGAIN || error == EINTR;
}

/* Returns how many bytes were written: all, unless the destination failed or stayed full until the
 * deadline. */
static size_t write_until(const char *bytes, size_t count, uint64_t deadline)
{
    size_t done = 0;
    while (done < count && !abandoned && clock_ms() < deadline) {
        struct pollfd writable = {.fd = destination, .events = POLLOUT};
        if (poll(&writable, 1, POLL_MS) <= 0)
            continue;
        ssize_t sent = write_some(bytes + done, count - done);
        if (sent < 0 && !try_later(errno))
            break;
        done += sent > 0 ? (size_t)sent : 0;
    }
    return done;
}

static uint64_t lines_in(const char *bytes, size_t count)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < count; i++)
        lines += bytes[i] == '\n';
    return lines;
}

/* Writes whole lines. If the last line was cut off, a newline is written first, or the next line
 * would be joined to it. Returns how many lines were lost. */
static uint64_t write_lines(const char *bytes, size_t count, uint64_t deadline)
{
    static bool torn;
    if (torn && write_until("\n", 1, deadline) == 0)
        return lines_in(bytes, count);
    size_t done = write_until(bytes, count, deadline);
    torn = done > 0 && bytes[done - 1] != '\n';
    return lines_in(bytes + done, count - done);
}

static uint64_t send_to_journal(const char *line, size_t length)
{
    return journal_send(line, length) ? 0 : 1;
}

/* Each line goes where it was made for, also if the destination has changed since. */
static uint64_t write_out(const char *lines, size_t count, uint64_t deadline)
{
    return *lines == JOURNAL_MARK ? send_to_journal(lines, count)
                                  : write_lines(lines, count, deadline);
}

/* --- the queue, under its lock --------------------------------------------------------- */

static void count_lost(uint64_t lines)
{
    lost += lines;
    queue.unreported += lines;
}

static void append(const char *bytes, size_t count)
{
    size_t end = (queue.start + queue.count) % QUEUE_SIZE;
    size_t first = MIN(count, QUEUE_SIZE - end);
    memcpy(queue.bytes + end, bytes, first);
    memcpy(queue.bytes, bytes + first, count - first);
    queue.count += count;
}

/* Takes one line for the journal, or as many other lines as one write(2) to a pipe keeps together
 * (PIPE_BUF). */
static size_t take(char into[PIPE_BUF])
{
    size_t whole = 0;
    for (size_t i = 0; i < MIN(queue.count, (size_t)PIPE_BUF); i++) {
        into[i] = queue.bytes[(queue.start + i) % QUEUE_SIZE];
        if (into[i] == JOURNAL_MARK && i > 0)
            break;
        if (into[i] == '\n')
            whole = i + 1;
        if (whole && into[0] == JOURNAL_MARK)
            break;
    }
    queue.start = (queue.start + whole) % QUEUE_SIZE;
    queue.count -= whole;
    return whole;
}

static void put_in_queue(const char *line, size_t length)
{
    if (abandoned || QUEUE_SIZE - queue.count < length) {
        count_lost(1);
        return;
    }
    append(line, length);
    pthread_cond_broadcast(&queue.changed);
}

void log_writer_put(const char *line, size_t length)
{
    pthread_mutex_lock(&queue.lock);
    if (queue.running)
        put_in_queue(line, length);
    else
        count_lost(write_out(line, length, clock_ms() + DIRECT_WRITE_MS));
    pthread_mutex_unlock(&queue.lock);
}

/* --- the thread ------------------------------------------------------------------------ */

/* Called only after a write that succeeded. Otherwise it would add a line for each lost line while
 * a disk is full. */
static void report_lost_lines(void)
{
    uint64_t unreported = queue.unreported;
    bool has_space = queue.count < QUEUE_SIZE / 2;
    if (!unreported || !has_space)
        return;
    queue.unreported = 0;
    pthread_mutex_unlock(&queue.lock);
    report_lost(unreported);
    pthread_mutex_lock(&queue.lock);
}

static void write_next(void)
{
    char lines[PIPE_BUF];
    size_t count = take(lines);
    queue.writing = true;
    pthread_mutex_unlock(&queue.lock);
    uint64_t dropped = write_out(lines, count, UINT64_MAX);
    pthread_mutex_lock(&queue.lock);
    queue.writing = false;
    count_lost(dropped);
    if (!dropped)
        report_lost_lines();
    pthread_cond_broadcast(&queue.changed);
}

static void *write_all(void *context)
{
    (void)context;
    pthread_mutex_lock(&queue.lock);
    while (queue.count || !queue.ending) {
        if (queue.count)
            write_next();
        else
            pthread_cond_wait(&queue.changed, &queue.lock);
    }
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

/* A new thread inherits the signal mask. It blocks all signals: the main thread waits for them. */
static bool start_thread(void)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&queue.thread, NULL, write_all, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool log_writer_begin(void (*report)(uint64_t lines))
{
    report_lost = report;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_lock(&queue.lock);
    queue.ending = false;
    queue.running = start_thread();
    bool running = queue.running;
    pthread_mutex_unlock(&queue.lock);
    return running;
}

/* Waits up to `ms` milliseconds. True: every line was written. */
static bool await_idle(unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (queue.count || queue.writing)
        if (pthread_cond_timedwait(&queue.changed, &queue.lock, &until) != 0)
            return false;
    return true;
}

/* A thread that hangs in write(2) is detached and left until the process ends. A second call must
 * not wait for it again. */
void log_end(unsigned ms)
{
    pthread_mutex_lock(&queue.lock);
    bool running = queue.running && !abandoned;
    queue.ending = true;
    pthread_cond_broadcast(&queue.changed);
    bool idle = !running || await_idle(ms);
    abandoned = abandoned || !idle;
    queue.running = abandoned;
    pthread_mutex_unlock(&queue.lock);
    if (running && idle)
        pthread_join(queue.thread, NULL);
    else if (running)
        pthread_detach(queue.thread);
}
