/* SPDX-License-Identifier: Apache-2.0 */
/* A large upload over real sockets: its owner, which provides the body, and a Glance that receives
 * it. Include after <cmocka.h>. */
#ifndef UPSTREAM_RAW_REQUEST_H
#define UPSTREAM_RAW_REQUEST_H

#include "support/body_taker.h"
#include "upstream/upstream_priv.h"

#include "intake/client.h"
#include "intake/loop.h"
#include "intake/settings.h"
#include "intake/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"
#define TOO_LARGE  "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nwords"

enum { KIB = 1024, MIB = 1024 * KIB };

/* --- pipes ------------------------------------------------------------------------------- */

/* The linker takes this function instead of the C library's. */
static enum pipes { PIPES_REAL, PIPES_NONE, PIPES_SMALL /* and cannot be enlarged */ } pipes;

int one_pipe(int ends[2], int flags) __asm__("pipe2");

int one_pipe(int ends[2], int flags)
{
    switch (pipes) {
    case PIPES_NONE:
        errno = EMFILE;
        return -1;
    case PIPES_SMALL:
        ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ends[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
        return 0;
    default:
        return (int)syscall(SYS_pipe2, ends, flags);
    }
}

/* --- splices ----------------------------------------------------------------------------- */

static unsigned splices_left; /* the last of them fails with ENOMEM; 0: none fails */

ssize_t one_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t count,
                   unsigned flags) __asm__("splice");

ssize_t one_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t count, unsigned flags)
{
    if (splices_left && --splices_left == 0) {
        errno = ENOMEM;
        return -1;
    }
    return syscall(SYS_splice, from, from_at, to, to_at, count, flags);
}

/* --- an upload, and its receiver --------------------------------------------------------- */

/* How the owner provides the body: read, spliced, or both by turns. */
enum giving { READ, MOVED, IN_TURNS };

static struct {
    struct body_taker taker;
    char *endpoints[2];
    struct settings settings;
    struct loop *loop;
    struct glance *glance;
    struct transfer *transfer;

    enum giving giving;
    uint64_t length;
    size_t piece;        /* bytes at once, at most; 0: as much as there is room for */
    unsigned wait_every; /* pieces; 0: never */
    uint64_t lost_at;    /* bytes; 0: never */
    uint64_t silent_at;  /* bytes; 0: never */
    int send_buffer;     /* of the upload's socket; 0: the default */
    struct timer again;
    uint64_t given, moved;
    unsigned pieces;

    unsigned status;
    size_t words; /* bytes of the answer's body */
    unsigned done;
    enum transfer_result result;
    unsigned turns; /* of the loop, since the answer's head */
} env;

static inline ssize_t next_piece(size_t room)
{
    if (env.lost_at && env.given >= env.lost_at)
        return STREAM_LOST;
    if (env.given == env.length)
        return STREAM_END;
    if (env.silent_at && env.given == env.silent_at)
        return STREAM_WAIT;
    if (env.wait_every && ++env.pieces % env.wait_every == 0) {
        assert_true(timer_set(env.loop, &env.again, 1));
        return STREAM_WAIT;
    }
    size_t count = env.piece ? MIN(env.piece, room) : room;
    return (ssize_t)MIN(count, env.length - env.given);
}

static inline ssize_t pull(void *owner, void *into, size_t room)
{
    assert_ptr_equal(owner, &env);
    if (env.send_buffer)
        setsockopt(env.transfer->connection.fd, SOL_SOCKET, SO_SNDBUF, &env.send_buffer,
                   sizeof(int));
    ssize_t count = next_piece(room);
    if (count > 0) {
        body_fill(into, env.given, (size_t)count);
        env.given += (uint64_t)count;
    }
    return count;
}

static inline ssize_t move(void *owner, int pipe, size_t room)
{
    static char bytes[MIB];
    assert_in_range(room, 1, MIB);
    if (env.giving == READ || (env.giving == IN_TURNS && env.pieces % 3 == 0))
        return STREAM_NO_SPLICE;
    ssize_t count = pull(owner, bytes, room);
    if (count > 0) {
        assert_int_equal(write(pipe, bytes, (size_t)count), count);
        env.moved += (uint64_t)count;
    }
    return count;
}

static inline void head(void *owner, unsigned status, const struct headers *headers)
{
    (void)owner;
    (void)headers;
    env.status = status;
    env.turns = 0;
}

static inline bool data(void *owner, const void *bytes, size_t count)
{
    (void)owner;
    (void)bytes;
    env.words += count;
    return true;
}

static inline void done(void *owner, enum transfer_result result, const char *detail)
{
    (void)owner;
    assert_non_null(detail);
    env.done++;
    env.result = result;
    env.transfer = NULL;
    loop_stop(env.loop);
}

static const struct upstream_callbacks OWNER = {
    .head = head, .data = data, .pull = pull, .move = move, .done = done};

static inline void give_again(struct timer *timer)
{
    (void)timer;
    if (env.transfer)
        transfer_write_on(env.transfer);
}

static inline bool count_turn(void *context)
{
    (void)context;
    env.turns++;
    return false;
}

static inline int open_files(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static inline int set_up(void **state)
{
    (void)state;
    pipes = PIPES_REAL;
    alarm(60); /* an endless wait fails, too */
    signal(SIGPIPE, SIG_IGN);
    memset(&env, 0, sizeof env);
    body_taker_begin(&env.taker);
    env.taker.takes = UINT64_MAX;
    env.taker.answer = NO_CONTENT;
    env.loop = loop_new();
    env.glance = glance_new(env.loop);
    env.endpoints[0] = env.endpoints[1] = env.taker.url;
    env.settings.glance.endpoints = env.endpoints;
    env.settings.glance.endpoint_count = 1;
    env.settings.glance.connect_timeout = 5000;
    env.settings.glance.stall_timeout = env.settings.glance.response_timeout = 20000;
    env.again.fire = give_again;
    loop_add_prepare_hook(env.loop, count_turn, NULL);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    timer_cancel(env.loop, &env.again);
    glance_free(env.glance);
    loop_free(env.loop);
    body_taker_end(&env.taker);
    alarm(0);
    return 0;
}

static inline void start(enum giving giving, uint64_t length)
{
    struct headers headers = {0};
    const struct upstream_request request = {.method = "PUT",
                                             .target = "/v2/images/x/file",
                                             .headers = &headers,
                                             .framing = FRAMING_LENGTH,
                                             .length = length};
    env.giving = giving;
    env.length = length;
    env.given = 0;
    env.done = env.status = 0;
    env.words = 0;
    env.taker.took = 0;
    memset(env.taker.head, 0, sizeof env.taker.head);
    body_taker_start(&env.taker);
    env.transfer = transfer_start(env.glance, &env.settings, &request, &OWNER, &env);
    assert_non_null(env.transfer);
    assert_true(env.transfer->raw_request.used);
}

/* Bytes left in the worker's pipe would go to another upload. */
static inline void assert_pipe_is_empty(void)
{
    int count = 0;
    if (env.glance->pipe.ends[0] >= 0 && pipes == PIPES_REAL)
        assert_int_equal(ioctl(env.glance->pipe.ends[0], FIONREAD, &count), 0);
    assert_int_equal(count, 0);
}

/* Runs the loop until the upload is over, and joins the receiver's thread. */
static inline void end(enum transfer_result expected)
{
    loop_run(env.loop);
    assert_int_equal(env.done, 1);
    assert_int_equal(env.result, expected);
    body_taker_join(&env.taker);
    assert_false(env.taker.wrong);
    assert_pipe_is_empty();
}

/* A loop that was stopped does not run again. */
static inline void renew_loop(void)
{
    timer_cancel(env.loop, &env.again);
    glance_free(env.glance);
    loop_free(env.loop);
    env.loop = loop_new();
    env.glance = glance_new(env.loop);
    loop_add_prepare_hook(env.loop, count_turn, NULL);
}

static inline void send_whole(enum giving giving, uint64_t length)
{
    char field[64];
    env.taker.takes = length;
    start(giving, length);
    end(TRANSFER_ANSWERED);
    snprintf(field, sizeof field, "\r\nContent-Length: %llu\r\n", (unsigned long long)length);
    assert_non_null(strstr(env.taker.head, field));
    assert_null(strstr(env.taker.head, "Expect"));
    assert_int_equal(env.taker.took, length);
    assert_int_equal(env.status, 204);
    renew_loop();
}

#endif
