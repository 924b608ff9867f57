/* SPDX-License-Identifier: Apache-2.0 */
/* A large answer over real sockets: a Glance that sends it, and the owner that reads it. Include
 * after <cmocka.h>. */
#ifndef UPSTREAM_RAW_RESPONSE_H
#define UPSTREAM_RAW_RESPONSE_H

#include "support/body_taker.h"
#include "upstream/upstream_priv.h"

#include "intake/client.h"
#include "intake/clock.h"
#include "intake/settings.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * KIB };

/* --- the sender -------------------------------------------------------------------------- */

/* A Glance that sends one answer. */
static struct {
    struct body_taker port; /* its socket, its URL, and how it ends; no body is received */
    const char *status;     /* the status line, and what comes before it */
    const char *field;      /* the name of the field with the length */
    uint64_t says, gives;   /* bytes announced, and sent */
    size_t piece;           /* bytes at a time */
    unsigned pause_us;      /* before each piece but the first */
    pthread_t thread;
} giver;

static inline void give_body(int fd)
{
    static char piece[MIB];
    for (uint64_t given = 0; given < giver.gives;) {
        size_t count = MIN(giver.piece, giver.gives - given);
        if (giver.pause_us && given)
            usleep(giver.pause_us);
        body_fill(piece, given, count);
        ssize_t sent = send(fd, piece, count, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        given += (uint64_t)sent;
    }
}

static inline void *give(void *context)
{
    (void)context;
    char head[256];
    int fd = accept(giver.port.socket, NULL, NULL);
    memset(giver.port.head, 0, sizeof giver.port.head);
    if (taker_reads_head(&giver.port, fd)) {
        int count = snprintf(head, sizeof head, "%s\r\n%s: %llu\r\n\r\n", giver.status, giver.field,
                             (unsigned long long)giver.says);
        send(fd, head, (size_t)count, MSG_NOSIGNAL);
        give_body(fd);
    }
    taker_ends(&giver.port, fd);
    return NULL;
}

/* --- the reader -------------------------------------------------------------------------- */

static struct {
    char *endpoints[1];
    struct settings settings;
    struct loop *loop;
    struct glance *glance;
    struct transfer *transfer;
    struct task take; /* takes the rest of the answer after its head */
    struct timer again;
    struct pipe pipe;

    bool moves;                              /* splices; false: reads */
    const struct net_operations *operations; /* of the rest; NULL: the real ones */
    unsigned pausing;                        /* ms, after every third piece; 0: never */
    uint64_t stops_at;                       /* bytes after which the loop ends; 0: never */
    uint64_t asked_for;  /* the length passed to transfer_take_rest(); 0: the answer's */
    bool decided, taken; /* transfer_take_rest() was called; and returned true */

    curl_socket_t socket; /* its number while libcurl had it */
    uint64_t got;
    unsigned pieces, done;
    enum transfer_result result;
    uint64_t ended; /* by clock_ms() */
    unsigned turns, turns_in_pause;
} env;

static inline void check(const char *bytes, size_t count)
{
    if (!body_matches(bytes, env.got, count))
        fail_msg("not the %zu bytes at %llu", count, (unsigned long long)env.got);
    env.got += count;
    env.pieces++;
}

static inline ssize_t take_piece(void)
{
    static char bytes[MIB];
    ssize_t count;
    if (!env.moves) {
        count = transfer_read(env.transfer, bytes, 300 * KIB);
    } else {
        assert_true(pipe_open(&env.pipe));
        count = transfer_splice(env.transfer, env.pipe.ends[1], PIPE_SIZE);
        if (count > 0)
            assert_int_equal(read(env.pipe.ends[0], bytes, sizeof bytes), count);
    }
    if (count > 0)
        check(bytes, (size_t)count);
    return count;
}

static inline void take_pieces(void)
{
    while (env.transfer && take_piece() > 0) {
        if (env.stops_at && env.got >= env.stops_at) {
            loop_stop(env.loop);
            return;
        }
        if (env.pausing && env.pieces % 3 == 0) {
            assert_true(timer_set(env.loop, &env.again, env.pausing));
            env.turns = 0;
            return;
        }
    }
}

static inline void take(struct task *task)
{
    (void)task;
    env.decided = true;
    env.taken = transfer_take_rest(env.transfer, env.asked_for ? env.asked_for : giver.says);
    if (env.taken && env.operations)
        env.transfer->raw_response.socket.operations = env.operations;
    if (env.taken)
        take_pieces();
    else
        transfer_read_on(env.transfer);
}

static inline void take_again(struct timer *timer)
{
    (void)timer;
    env.turns_in_pause = MAX(env.turns_in_pause, env.turns);
    take_pieces();
}

static inline void head(void *owner, unsigned status, const struct headers *headers)
{
    (void)owner;
    (void)headers;
    assert_int_equal(status, 200);
    env.turns = 0;
    env.socket = env.transfer->connection.fd;
    task_post(env.loop, &env.take);
}

static inline bool data(void *owner, const void *bytes, size_t count)
{
    (void)owner;
    if (env.decided)
        check(bytes, count);
    return env.decided;
}

static inline void more(void *owner)
{
    (void)owner;
    take_pieces();
}

static inline void done(void *owner, enum transfer_result result, const char *detail)
{
    (void)owner;
    assert_non_null(detail);
    env.done++;
    env.result = result;
    env.ended = clock_ms();
    env.transfer = NULL;
    timer_cancel(env.loop, &env.again);
    loop_stop(env.loop);
}

static const struct upstream_callbacks OWNER = {
    .head = head, .data = data, .more = more, .done = done};

static inline bool count_turn(void *context)
{
    (void)context;
    env.turns++;
    return false;
}

/* A loop that was stopped does not run again. */
static inline void new_loop(void)
{
    env.loop = loop_new();
    env.glance = glance_new(env.loop);
    loop_add_prepare_hook(env.loop, count_turn, NULL);
}

static inline void end_loop(void)
{
    task_cancel(env.loop, &env.take);
    timer_cancel(env.loop, &env.again);
    glance_free(env.glance);
    loop_free(env.loop);
}

static inline int set_up(void **state)
{
    (void)state;
    alarm(60); /* an endless wait fails, too */
    signal(SIGPIPE, SIG_IGN);
    memset(&giver, 0, sizeof giver);
    memset(&env, 0, sizeof env);
    body_taker_begin(&giver.port);
    giver.status = "HTTP/1.1 200 OK";
    giver.field = "Content-Length";
    giver.piece = MIB;
    giver.port.end = TAKER_WAITS;
    env.pipe = NO_PIPE;
    env.take.run = take;
    env.again.fire = take_again;
    env.endpoints[0] = giver.port.url;
    env.settings.glance.endpoints = env.endpoints;
    env.settings.glance.endpoint_count = 1;
    env.settings.glance.connect_timeout = 5000;
    env.settings.glance.stall_timeout = env.settings.glance.response_timeout = 20000;
    new_loop();
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    end_loop();
    pipe_close(&env.pipe);
    body_taker_end(&giver.port);
    alarm(0);
    return 0;
}

static inline void ask(void)
{
    struct headers headers = {0};
    const struct upstream_request request = {.method = "GET",
                                             .target = "/v2/images/x/file",
                                             .headers = &headers,
                                             .framing = FRAMING_NONE};
    env.got = 0;
    env.pieces = env.done = 0;
    env.decided = env.taken = false;
    env.transfer = transfer_start(env.glance, &env.settings, &request, &OWNER, &env);
    assert_non_null(env.transfer);
}

static inline void start(uint64_t says, uint64_t gives)
{
    giver.says = says;
    giver.gives = gives;
    giver.port.joined = false;
    assert_int_equal(listen(giver.port.socket, 8), 0);
    assert_int_equal(pthread_create(&giver.thread, NULL, give, NULL), 0);
    ask();
}

static inline void join(void)
{
    giver.port.joined = true;
    assert_int_equal(pthread_join(giver.thread, NULL), 0);
}

static inline void end(enum transfer_result expected)
{
    loop_run(env.loop);
    assert_int_equal(env.done, 1);
    assert_int_equal(env.result, expected);
    join();
    end_loop();
    new_loop();
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

#endif
