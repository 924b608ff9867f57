/* SPDX-License-Identifier: Apache-2.0 */
/* Large answers, over real sockets: read or moved, however Glance gives them, and whatever goes
 * wrong in between. */
#include "upstream/upstream_priv.h"

#include "intake/client.h"
#include "intake/clock.h"
#include "intake/settings.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/body_taker.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* --- who gives --------------------------------------------------------------------------- */

/* A Glance that gives one answer. */
static struct {
    struct body_taker port; /* its socket, its URL, and how it ends; nothing is taken */
    const char *status;     /* line; and what comes before it */
    const char *field;      /* that has the length */
    uint64_t says, gives;   /* bytes */
    size_t piece;           /* at a time */
    unsigned pause_us;      /* before each but the first */
    pthread_t thread;
} giver;

static void give_body(int fd)
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

static void *give(void *context)
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

/* --- who takes --------------------------------------------------------------------------- */

static struct {
    char *endpoints[1];
    struct settings settings;
    struct loop *loop;
    struct glance *glance;
    struct transfer *transfer;
    struct task take; /* the rest, once the head is there */
    struct timer again;
    struct pipe pipe;

    bool moves;                              /* or reads */
    const struct net_operations *operations; /* of the rest; NULL: the real ones */
    unsigned pausing;                        /* ms; now and then */
    uint64_t stops_at;                       /* bytes; then the loop ends */
    uint64_t asked_for;                      /* the length that it tells; 0: the answer's */
    bool decided, taken;                     /* whether the rest is its own to take */

    curl_socket_t socket; /* while it was libcurl's */
    uint64_t got;
    unsigned pieces, done;
    enum transfer_result result;
    uint64_t ended; /* clock_ms() */
    unsigned turns, turns_in_pause;
} yard;

static void check(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != body_byte(yard.got + i))
            fail_msg("byte %llu", (unsigned long long)(yard.got + i));
    yard.got += count;
    yard.pieces++;
}

static ssize_t take_piece(void)
{
    static char bytes[MIB];
    ssize_t count;
    if (!yard.moves) {
        count = transfer_read(yard.transfer, bytes, 300 * KIB);
    } else {
        assert_true(pipe_open(&yard.pipe));
        count = transfer_splice(yard.transfer, yard.pipe.ends[1], PIPE_SIZE);
        if (count > 0)
            assert_int_equal(read(yard.pipe.ends[0], bytes, sizeof bytes), count);
    }
    if (count > 0)
        check(bytes, (size_t)count);
    return count;
}

static void take_pieces(void)
{
    while (yard.transfer && take_piece() > 0) {
        if (yard.stops_at && yard.got >= yard.stops_at) {
            loop_stop(yard.loop);
            return;
        }
        if (yard.pausing && yard.pieces % 3 == 0) {
            assert_true(timer_set(yard.loop, &yard.again, yard.pausing));
            yard.turns = 0;
            return;
        }
    }
}

static void take(struct task *task)
{
    (void)task;
    yard.decided = true;
    yard.taken = transfer_take_rest(yard.transfer, yard.asked_for ? yard.asked_for : giver.says);
    if (yard.taken && yard.operations)
        yard.transfer->rest.operations = yard.operations;
    if (yard.taken)
        take_pieces();
    else
        transfer_read_on(yard.transfer);
}

static void take_again(struct timer *timer)
{
    (void)timer;
    yard.turns_in_pause = MAX(yard.turns_in_pause, yard.turns);
    take_pieces();
}

static void head(void *owner, unsigned status, const struct headers *headers)
{
    (void)owner;
    (void)headers;
    assert_int_equal(status, 200);
    yard.turns = 0;
    yard.socket = yard.transfer->socket;
    task_post(yard.loop, &yard.take);
}

static bool data(void *owner, const void *bytes, size_t count)
{
    (void)owner;
    if (yard.decided)
        check(bytes, count);
    return yard.decided;
}

static void more(void *owner)
{
    (void)owner;
    take_pieces();
}

static void done(void *owner, enum transfer_result result, const char *detail)
{
    (void)owner;
    assert_non_null(detail);
    yard.done++;
    yard.result = result;
    yard.ended = clock_ms();
    yard.transfer = NULL;
    timer_cancel(yard.loop, &yard.again);
    loop_stop(yard.loop);
}

static const struct upstream_callbacks OWNER = {
    .head = head, .data = data, .more = more, .done = done};
static bool count_turn(void *context)
{
    (void)context;
    yard.turns++;
    return false;
}

/* A loop that was stopped does not run again. */
static void new_loop(void)
{
    yard.loop = loop_new();
    yard.glance = glance_new(yard.loop);
    loop_add_prepare_hook(yard.loop, count_turn, NULL);
}

static void end_loop(void)
{
    task_cancel(yard.loop, &yard.take);
    timer_cancel(yard.loop, &yard.again);
    glance_free(yard.glance);
    loop_free(yard.loop);
}

static int set_up(void **state)
{
    (void)state;
    alarm(60); /* what waits for ever fails, too */
    signal(SIGPIPE, SIG_IGN);
    memset(&giver, 0, sizeof giver);
    memset(&yard, 0, sizeof yard);
    body_taker_begin(&giver.port);
    giver.status = "HTTP/1.1 200 OK";
    giver.field = "Content-Length";
    giver.piece = MIB;
    giver.port.end = TAKER_WAITS;
    yard.pipe = NO_PIPE;
    yard.take.run = take;
    yard.again.fire = take_again;
    yard.endpoints[0] = giver.port.url;
    yard.settings.glance.endpoints = yard.endpoints;
    yard.settings.glance.endpoint_count = 1;
    yard.settings.glance.connect_timeout = 5000;
    yard.settings.glance.stall_timeout = yard.settings.glance.response_timeout = 20000;
    new_loop();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    end_loop();
    pipe_close(&yard.pipe);
    body_taker_end(&giver.port);
    alarm(0);
    return 0;
}

static void ask(void)
{
    struct headers headers = {0};
    const struct upstream_request request = {.method = "GET",
                                             .target = "/v2/images/x/file",
                                             .headers = &headers,
                                             .framing = FRAMING_NONE};
    yard.got = 0;
    yard.pieces = yard.done = 0;
    yard.decided = yard.taken = false;
    yard.transfer = transfer_start(yard.glance, &yard.settings, &request, &OWNER, &yard);
    assert_non_null(yard.transfer);
}

static void start(uint64_t says, uint64_t gives)
{
    giver.says = says;
    giver.gives = gives;
    giver.port.joined = false;
    assert_int_equal(listen(giver.port.socket, 8), 0);
    assert_int_equal(pthread_create(&giver.thread, NULL, give, NULL), 0);
    ask();
}

static void join(void)
{
    giver.port.joined = true;
    assert_int_equal(pthread_join(giver.thread, NULL), 0);
}

static void end(enum transfer_result expected)
{
    loop_run(yard.loop);
    assert_int_equal(yard.done, 1);
    assert_int_equal(yard.result, expected);
    join();
    end_loop();
    new_loop();
}

static int open_files(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* --- all of it --------------------------------------------------------------------------- */

static void every_byte_however_it_comes(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {MIB, MIB + 1, 9 * MIB + 7};
    static const size_t pieces[] = {64 * KIB, 100 * 1000, MIB};
    assert_true(pipe_open(&yard.pipe));
    int before = open_files();
    for (unsigned i = 0; i < 2 * 2 * 3 * 3; i++) {
        yard.moves = i % 2;
        yard.pausing = i / 2 % 2 * 2;
        giver.piece = pieces[i / 4 % 3];
        start(lengths[i / 12], lengths[i / 12]);
        end(TRANSFER_ANSWERED);
        assert_true(yard.taken);
        assert_int_equal(yard.got, giver.says);
    }
    assert_int_equal(open_files(), before);
}

/* The last bytes come between the first tick and the second, and are few. Whoever waits for them
 * does so asleep. */
static void the_last_bytes_wait_for_no_tick(void **state)
{
    (void)state;
    giver.piece = MIB - 100;
    giver.pause_us = 350 * 1000;
    for (unsigned i = 0; i < 2; i++) {
        yard.moves = i;
        start(3 * MIB, 3 * MIB);
        uint64_t begun = clock_ms();
        end(TRANSFER_ANSWERED);
        assert_int_equal(yard.got, 3 * MIB);
        assert_in_range(yard.ended - begun, 1050, 1900);
        assert_in_range(yard.turns, 3, 300);
    }
}

static void a_few_bytes_do_not_lie_there(void **state)
{
    (void)state;
    giver.piece = 100 * KIB;
    giver.pause_us = 30 * 1000;
    giver.port.end = TAKER_HOLDS;
    yard.settings.glance.stall_timeout = 300;
    start(2 * MIB, MIB);
    end(TRANSFER_STALLED); /* and not before it has had what there was */
    assert_int_equal(yard.got, MIB);
}

/* A client that is slower than Glance: what comes meanwhile is nothing to wake up for. */
static void nobody_is_woken_for_what_nobody_takes(void **state)
{
    (void)state;
    giver.piece = 64 * KIB;
    giver.pause_us = 2000;
    yard.pausing = 100;
    for (unsigned i = 0; i < 2; i++) {
        yard.moves = i;
        start(16 * MIB, 16 * MIB);
        end(TRANSFER_ANSWERED);
        assert_int_equal(yard.got, 16 * MIB);
        assert_in_range(yard.turns_in_pause, 1, 3);
    }
}

/* --- not all of it ----------------------------------------------------------------------- */

static void what_breaks_off_is_not_whole(void **state)
{
    (void)state;
    static const enum taker_end ends[] = {TAKER_CLOSES, TAKER_RESETS};
    static const uint64_t gives[] = {20 * KIB, 5 * MIB - 1};
    int before = open_files() + 2; /* the pipe's, which is opened meanwhile */
    for (unsigned i = 0; i < 2 * 2 * 2; i++) {
        yard.moves = i % 2;
        giver.port.end = ends[i / 2 % 2];
        start(5 * MIB, gives[i / 4]);
        end(TRANSFER_FAILED);
        assert_true(yard.got <= giver.gives);
        if (giver.port.end == TAKER_CLOSES)
            assert_int_equal(yard.got, giver.gives);
    }
    assert_int_equal(open_files(), before);
}

static void who_gives_no_more_is_given_up(void **state)
{
    (void)state;
    yard.settings.glance.stall_timeout = 300;
    giver.port.end = TAKER_HOLDS;
    for (unsigned i = 0; i < 2; i++) {
        yard.moves = i;
        start(5 * MIB, 2 * MIB);
        end(TRANSFER_STALLED);
        assert_int_equal(yard.got, 2 * MIB);
    }
}

static ssize_t no_memory_to_read(const struct net_socket *socket, void *into, size_t room)
{
    (void)socket;
    (void)into;
    (void)room;
    return STREAM_NO_MEMORY;
}

static ssize_t no_memory_to_splice(const struct net_socket *socket, int pipe, size_t room)
{
    (void)socket;
    (void)pipe;
    (void)room;
    return STREAM_NO_MEMORY;
}

/* It says nothing about Glance. */
static void without_memory_it_cannot_go_on(void **state)
{
    (void)state;
    static const struct net_operations operations = {.read = no_memory_to_read,
                                                     .splice_in = no_memory_to_splice,
                                                     .splice_out = no_memory_to_splice};
    yard.operations = &operations;
    for (unsigned i = 0; i < 2; i++) {
        yard.moves = i;
        start(5 * MIB, 5 * MIB);
        end(TRANSFER_NO_MEMORY);
    }
}

static void it_can_be_aborted(void **state)
{
    (void)state;
    assert_true(pipe_open(&yard.pipe));
    int before = open_files();
    for (unsigned i = 0; i < 2; i++) {
        yard.moves = i;
        yard.stops_at = 2 * MIB;
        start(64 * MIB, 64 * MIB);
        loop_run(yard.loop);
        transfer_abort(yard.transfer);
        yard.transfer = NULL;
        join();
        assert_int_equal(yard.done, 0);
        end_loop();
        new_loop();
    }
    assert_int_equal(open_files(), before);
}

/* --- whose it is ------------------------------------------------------------------------- */

/* It must not send another request there, and read its answer from within this one. */
static void libcurl_has_closed_its_connection(void **state)
{
    (void)state;
    yard.stops_at = MIB;
    start(8 * MIB, 8 * MIB);
    loop_run(yard.loop);
    assert_true(yard.taken);
    assert_int_equal(yard.transfer->socket, CURL_SOCKET_BAD);
    assert_null(yard.glance->sockets[yard.socket]);
    assert_int_equal(fcntl(yard.socket, F_GETFD), -1);
    transfer_abort(yard.transfer);
    yard.transfer = NULL;
    join();
}

/* Then it comes by data(), all of it. */
static void what_is_not_plain_is_left_to_libcurl(void **state)
{
    (void)state;
    static const struct {
        const char *status, *field;
        uint64_t asked_for;
        bool taken;
    } rows[] = {
        {"HTTP/1.1 200 OK", "Content-Length", 2 * MIB, true},
        {"HTTP/1.0 200 OK", "Content-Length", 2 * MIB, true},
        {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK", "Content-Length", 2 * MIB, true},
        {"HTTP/1.1 200 OK", "Content-Length", 2 * MIB + 1, false},
        {"HTTP/1.1 200 OK", "X-Length", 2 * MIB, false},
        {"HTTP/1.0 200 OK", "X-Length", 2 * MIB, false},
    };
    giver.port.end = TAKER_CLOSES;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        giver.status = rows[i].status;
        giver.field = rows[i].field;
        yard.asked_for = rows[i].asked_for;
        start(2 * MIB, 2 * MIB);
        end(TRANSFER_ANSWERED);
        if (yard.taken != rows[i].taken)
            fail_msg("row %zu", i);
        assert_int_equal(yard.got, 2 * MIB);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_byte_however_it_comes),       TEST(the_last_bytes_wait_for_no_tick),
        TEST(a_few_bytes_do_not_lie_there),      TEST(nobody_is_woken_for_what_nobody_takes),
        TEST(what_breaks_off_is_not_whole),      TEST(who_gives_no_more_is_given_up),
        TEST(without_memory_it_cannot_go_on),    TEST(it_can_be_aborted),
        TEST(libcurl_has_closed_its_connection), TEST(what_is_not_plain_is_left_to_libcurl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
