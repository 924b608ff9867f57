/* SPDX-License-Identifier: Apache-2.0 */
/* Large bodies, over real sockets: read or moved, all at once or as they come, to a Glance that
 * takes them, takes its time, answers early, or goes. */
#include "upstream/upstream_priv.h"

#include "intake/client.h"
#include "intake/loop.h"
#include "intake/settings.h"
#include "intake/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "support/body_taker.h"

#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"
#define TOO_LARGE  "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nwords"

enum { KIB = 1024, MIB = 1024 * KIB };

/* --- pipes ------------------------------------------------------------------------------- */

/* The linker takes this one, and leaves the C library's. */
static enum pipes { PIPES_REAL, PIPES_NONE, PIPES_SMALL /* and not to be made larger */ } pipes;

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

static unsigned splices_left; /* until the kernel has no memory for one; 0: it always has */

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

/* --- an upload, and who takes it --------------------------------------------------------- */

/* How its owner gives what it has. */
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
    size_t piece;        /* at most, of what is given at once; 0: as much as there is room for */
    unsigned wait_every; /* pieces; 0: it never waits */
    uint64_t lost_at;    /* bytes; 0: it is never lost */
    int send_buffer;     /* of its socket; 0: as it comes */
    struct timer again;
    uint64_t given, moved;
    unsigned pieces;

    unsigned status;
    size_t words; /* of the answer */
    unsigned done;
    enum transfer_result result;
    unsigned turns; /* of the loop, since the answer's head */
} yard;

static ssize_t next_piece(size_t room)
{
    if (yard.lost_at && yard.given >= yard.lost_at)
        return STREAM_LOST;
    if (yard.given == yard.length)
        return STREAM_END;
    if (yard.wait_every && ++yard.pieces % yard.wait_every == 0) {
        assert_true(timer_set(yard.loop, &yard.again, 1));
        return STREAM_WAIT;
    }
    size_t count = yard.piece ? MIN(yard.piece, room) : room;
    return (ssize_t)MIN(count, yard.length - yard.given);
}

static ssize_t pull(void *owner, void *into, size_t room)
{
    assert_ptr_equal(owner, &yard);
    if (yard.send_buffer)
        setsockopt(yard.transfer->socket, SOL_SOCKET, SO_SNDBUF, &yard.send_buffer, sizeof(int));
    ssize_t count = next_piece(room);
    if (count > 0) {
        body_fill(into, yard.given, (size_t)count);
        yard.given += (uint64_t)count;
    }
    return count;
}

static ssize_t move(void *owner, int pipe, size_t room)
{
    static char bytes[MIB];
    assert_in_range(room, 1, MIB);
    if (yard.giving == READ || (yard.giving == IN_TURNS && yard.pieces % 3 == 0))
        return STREAM_NO_SPLICE;
    ssize_t count = pull(owner, bytes, room);
    if (count > 0) {
        assert_int_equal(write(pipe, bytes, (size_t)count), count);
        yard.moved += (uint64_t)count;
    }
    return count;
}

static void head(void *owner, unsigned status, const struct headers *headers)
{
    (void)owner;
    (void)headers;
    yard.status = status;
    yard.turns = 0;
}

static bool data(void *owner, const void *bytes, size_t count)
{
    (void)owner;
    (void)bytes;
    yard.words += count;
    return true;
}

static void done(void *owner, enum transfer_result result, const char *detail)
{
    (void)owner;
    assert_non_null(detail);
    yard.done++;
    yard.result = result;
    yard.transfer = NULL;
    loop_stop(yard.loop);
}

static const struct upstream_callbacks OWNER = {
    .head = head, .data = data, .pull = pull, .move = move, .done = done};

static void give_again(struct timer *timer)
{
    (void)timer;
    if (yard.transfer)
        transfer_write_on(yard.transfer);
}

static bool count_turn(void *context)
{
    (void)context;
    yard.turns++;
    return false;
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

static int set_up(void **state)
{
    (void)state;
    pipes = PIPES_REAL;
    alarm(60); /* what waits for ever fails, too */
    signal(SIGPIPE, SIG_IGN);
    memset(&yard, 0, sizeof yard);
    body_taker_begin(&yard.taker);
    yard.taker.takes = UINT64_MAX;
    yard.taker.answer = NO_CONTENT;
    yard.loop = loop_new();
    yard.glance = glance_new(yard.loop);
    yard.endpoints[0] = yard.endpoints[1] = yard.taker.url;
    yard.settings.glance.endpoints = yard.endpoints;
    yard.settings.glance.endpoint_count = 1;
    yard.settings.glance.connect_timeout = 5000;
    yard.settings.glance.stall_timeout = yard.settings.glance.response_timeout = 20000;
    yard.again.fire = give_again;
    loop_add_prepare_hook(yard.loop, count_turn, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    timer_cancel(yard.loop, &yard.again);
    glance_free(yard.glance);
    loop_free(yard.loop);
    body_taker_end(&yard.taker);
    alarm(0);
    return 0;
}

static void start(enum giving giving, uint64_t length)
{
    struct headers headers = {0};
    const struct upstream_request request = {.method = "PUT",
                                             .target = "/v2/images/x/file",
                                             .headers = &headers,
                                             .framing = FRAMING_LENGTH,
                                             .length = length};
    yard.giving = giving;
    yard.length = length;
    yard.given = 0;
    yard.done = yard.status = 0;
    yard.words = 0;
    yard.taker.took = 0;
    memset(yard.taker.head, 0, sizeof yard.taker.head);
    body_taker_start(&yard.taker);
    yard.transfer = transfer_start(yard.glance, &yard.settings, &request, &OWNER, &yard);
    assert_non_null(yard.transfer);
    assert_true(yard.transfer->raw_request);
}

/* What is in the worker's pipe would be another upload's. */
static void assert_pipe_is_empty(void)
{
    int count = 0;
    if (yard.glance->pipe.ends[0] >= 0 && pipes == PIPES_REAL)
        assert_int_equal(ioctl(yard.glance->pipe.ends[0], FIONREAD, &count), 0);
    assert_int_equal(count, 0);
}

/* Until it is over, and the taker knows. */
static void end(enum transfer_result expected)
{
    loop_run(yard.loop);
    assert_int_equal(yard.done, 1);
    assert_int_equal(yard.result, expected);
    body_taker_join(&yard.taker);
    assert_false(yard.taker.wrong);
    assert_pipe_is_empty();
}

/* One that was stopped does not run again. */
static void renew_loop(void)
{
    timer_cancel(yard.loop, &yard.again);
    glance_free(yard.glance);
    loop_free(yard.loop);
    yard.loop = loop_new();
    yard.glance = glance_new(yard.loop);
    loop_add_prepare_hook(yard.loop, count_turn, NULL);
}

static void send_whole(enum giving giving, uint64_t length)
{
    char field[64];
    yard.taker.takes = length;
    start(giving, length);
    end(TRANSFER_ANSWERED);
    snprintf(field, sizeof field, "\r\nContent-Length: %llu\r\n", (unsigned long long)length);
    assert_non_null(strstr(yard.taker.head, field));
    assert_null(strstr(yard.taker.head, "Expect"));
    assert_int_equal(yard.taker.took, length);
    assert_int_equal(yard.status, 204);
    renew_loop();
}

/* --- taken --------------------------------------------------------------------------------- */

static void every_byte_however_it_is_given(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {RAW_REQUEST_MIN, MIB - 1, MIB, MIB + 1, 5 * MIB + 7};
    static const size_t pieces[] = {0, 100 * KIB, MIB - 1};
    int before = open_files();
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
                yard.piece = pieces[j];
                yard.wait_every = (unsigned)(i + j) % 3 * 2;
                send_whole(giving, lengths[i]);
            }
    assert_int_equal(open_files(), before);
}

/* What its socket has no room for stays behind: in a pipe, or in a copy. */
static void a_glance_that_takes_its_time(void **state)
{
    (void)state;
    int little = 16 * KIB;
    setsockopt(yard.taker.socket, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    yard.taker.pause_us = 300;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        send_whole(giving, 12 * MIB + 5);
}

/* Descriptors, or the pages that a user may have in pipes, have run out; and then they have not. */
static void without_a_pipe_it_is_read(void **state)
{
    (void)state;
    for (enum pipes each = PIPES_NONE; each <= PIPES_SMALL; each++) {
        pipes = each;
        int before = open_files();
        send_whole(MOVED, 3 * MIB);
        assert_int_equal(yard.moved, 0);
        assert_int_equal(open_files(), before);
        pipes = PIPES_REAL;
        send_whole(MOVED, 3 * MIB);
        assert_int_equal(yard.moved, 3 * MIB);
        yard.moved = 0;
    }
}

/* --- not taken ----------------------------------------------------------------------------- */

static void who_answers_early_is_heard_and_gets_no_more(void **state)
{
    (void)state;
    static const enum taker_end ends[] = {TAKER_CLOSES, TAKER_WAITS};
    static const uint64_t takes[] = {0, 1, 10 * 1000, 3 * MIB};
    yard.taker.answer = TOO_LARGE;
    for (size_t i = 0; i < 3 * 2 * 4; i++) {
        yard.taker.end = ends[i % 2];
        yard.taker.takes = takes[i / 2 % 4];
        start((enum giving)(i / 8), 64 * MIB);
        end(TRANSFER_ANSWERED);
        assert_int_equal(yard.status, 413);
        assert_int_equal(yard.words, 5);
        assert_true(yard.given < 64 * MIB);
        renew_loop();
    }
}

/* Nothing of it makes libcurl send the request once more. */
static void whatever_it_answers_early(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *answer;
    } rows[] = {
        {401,
         "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"},
        {307, "HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"},
        {417, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"},
        {410, "HTTP/1.0 410 Gone\r\n\r\nwords until it closes"},
        {413, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 413 No\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        yard.taker.answer = rows[i].answer;
        yard.taker.takes = i * MIB;
        start(IN_TURNS, 64 * MIB);
        end(TRANSFER_ANSWERED);
        assert_int_equal(yard.status, rows[i].status);
        assert_true(yard.given < 64 * MIB);
        renew_loop();
    }
}

static void what_it_says_meanwhile_is_no_answer(void **state)
{
    (void)state;
    yard.taker.interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n";
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        send_whole(giving, 5 * MIB);
}

/* The owner has given all of it, and Glance cannot have had all of it: what it says is not so. */
static void no_success_before_all_is_gone(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {RAW_REQUEST_MIN, 8 * MIB};
    int little = 4 * KIB;
    setsockopt(yard.taker.socket, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    yard.send_buffer = little;
    yard.taker.takes = 1;
    yard.taker.end = TAKER_HOLDS;
    for (size_t i = 0; i < 3 * 2; i++) {
        start((enum giving)(i / 2), lengths[i % 2]);
        end(TRANSFER_FAILED);
        assert_int_equal(yard.status, 204);
        assert_int_equal(yard.given == yard.length, i % 2 == 0);
        renew_loop();
    }
}

/* Its socket has room for more all the time: nobody is to look at that again and again. */
static void an_answer_that_takes_long_costs_nothing(void **state)
{
    (void)state;
    yard.taker.answer = TOO_LARGE;
    yard.taker.rest_us = 200 * 1000;
    yard.taker.takes = 8 * MIB;
    yard.piece = 64 * KIB;
    start(MOVED, 64 * MIB);
    end(TRANSFER_ANSWERED);
    assert_int_equal(yard.words, 5);
    assert_in_range(yard.turns, 1, 100);
}

static void who_goes_is_told_of(void **state)
{
    (void)state;
    static const enum taker_end ends[] = {TAKER_CLOSES, TAKER_RESETS};
    static const uint64_t takes[] = {0, 1, 10 * 1000, 3 * MIB, 8 * MIB};
    int before = open_files();
    yard.taker.answer = NULL;
    for (size_t i = 0; i < 3 * 2 * 5; i++) {
        yard.taker.end = ends[i % 2];
        yard.taker.takes = takes[i / 2 % 5];
        yard.wait_every = i % 3 ? 4 : 0;
        start((enum giving)(i / 10), 8 * MIB);
        end(TRANSFER_FAILED);
        assert_int_equal(yard.status, 0);
        renew_loop();
    }
    assert_int_equal(open_files(), before);
}

static void who_takes_no_more_is_given_up(void **state)
{
    (void)state;
    yard.settings.glance.stall_timeout = 300;
    yard.taker.takes = 10 * 1000;
    yard.taker.answer = NULL;
    yard.taker.end = TAKER_HOLDS;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++) {
        start(giving, 64 * MIB);
        end(TRANSFER_STALLED);
        renew_loop();
    }
}

/* --- not given ----------------------------------------------------------------------------- */

/* Glance must not take for whole what is not. */
static void what_is_lost_on_the_way_is_cut(void **state)
{
    (void)state;
    static const uint64_t places[] = {1, RAW_REQUEST_MIN, 3 * MIB, 5 * MIB - 1};
    for (size_t i = 0; i < 3 * 4; i++) {
        yard.lost_at = places[i % 4];
        yard.piece = 100 * KIB;
        yard.taker.takes = 5 * MIB;
        start((enum giving)(i / 4), 5 * MIB);
        end(i % 4 == 3 ? TRANSFER_ANSWERED : TRANSFER_GIVEN_UP);
        assert_int_equal(yard.taker.ended, i % 4 != 3);
        renew_loop();
    }
}

/* What comes behind a body would be the next request. */
static void who_gives_more_than_was_said_is_cut(void **state)
{
    (void)state;
    yard.piece = 100 * KIB;
    yard.taker.takes = 3 * MIB;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++) {
        start(giving, 3 * MIB);
        yard.length += MIB;
        end(TRANSFER_GIVEN_UP);
        assert_true(yard.taker.ended);
        renew_loop();
    }
}

/* What is behind a gap must not be sent, and nobody waits for what does not come. */
static void a_piece_that_cannot_be_sent_is_the_last(void **state)
{
    (void)state;
    yard.taker.takes = 8 * MIB;
    yard.taker.answer = NULL;
    for (unsigned i = 1; i < 5; i++) {
        splices_left = i;
        start(MOVED, 8 * MIB);
        end(TRANSFER_NO_MEMORY);
        assert_true(yard.taker.ended && yard.taker.took < 8 * MIB);
        renew_loop();
    }
    splices_left = 0;
}

static void stop_loop(struct timer *timer)
{
    (void)timer;
    loop_stop(yard.loop);
}

/* With bytes in its pipe, or in its copy, and with none. */
static void it_can_be_aborted_at_any_time(void **state)
{
    (void)state;
    int before = open_files();
    for (unsigned i = 0; i < 3 * 5; i++) {
        struct timer stop = {.fire = stop_loop};
        yard.taker.takes = i % 5 * 100 * KIB;
        yard.taker.answer = NULL;
        yard.taker.end = TAKER_WAITS;
        start((enum giving)(i / 5), 64 * MIB);
        assert_true(timer_set(yard.loop, &stop, i % 5 * 10));
        loop_run(yard.loop);
        transfer_abort(yard.transfer);
        yard.transfer = NULL;
        assert_int_equal(yard.done, 0);
        body_taker_join(&yard.taker);
        assert_false(yard.taker.wrong);
        assert_pipe_is_empty();
        renew_loop();
    }
    assert_int_equal(open_files(), before);
}

/* --- whether, and to whom ------------------------------------------------------------------ */

static void the_next_endpoint_gets_all_of_it(void **state)
{
    (void)state;
    struct body_taker nobody; /* its port is taken, and nobody listens */
    body_taker_begin(&nobody);
    yard.endpoints[0] = nobody.url;
    yard.settings.glance.endpoint_count = 2;
    for (enum giving giving = READ; giving <= IN_TURNS; giving++)
        send_whole(giving, 2 * MIB);
    body_taker_end(&nobody);
}

static void only_images_that_are_large_plain_and_glances(void **state)
{
    (void)state;
    static char plain[] = "http://a", tls[] = "https://b", loud[] = "HTTP://c";
    static const struct upstream_callbacks relay = {.pull = pull};
    static const struct {
        const char *url;
        enum framing framing;
        uint64_t length;
        char *endpoints[2];
        bool raw_request;
    } rows[] = {
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN, {plain, plain}, true},
        {NULL, FRAMING_LENGTH, UINT64_MAX / 2, {plain, loud}, true},
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN - 1, {plain, plain}, false},
        {NULL, FRAMING_CHUNKED, RAW_REQUEST_MIN, {plain, plain}, false},
        {NULL, FRAMING_NONE, RAW_REQUEST_MIN, {plain, plain}, false},
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN, {plain, tls}, false},
        {NULL, FRAMING_LENGTH, RAW_REQUEST_MIN, {tls, plain}, false},
        {"http://gateway/x", FRAMING_LENGTH, RAW_REQUEST_MIN, {plain, plain}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *endpoints[2] = {rows[i].endpoints[0], rows[i].endpoints[1]};
        const struct upstream_request request = {
            .url = rows[i].url, .framing = rows[i].framing, .length = rows[i].length};
        const struct transfer transfer = {.settings = &yard.settings, .owner = &OWNER};
        const struct transfer relayed = {.settings = &yard.settings, .owner = &relay};
        yard.settings.glance.endpoints = endpoints;
        yard.settings.glance.endpoint_count = 2;
        if (raw_request_wanted(&transfer, &request) != rows[i].raw_request)
            fail_msg("row %zu", i);
        assert_false(raw_request_wanted(&relayed, &request));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_byte_however_it_is_given),
        TEST(a_glance_that_takes_its_time),
        TEST(without_a_pipe_it_is_read),
        TEST(who_answers_early_is_heard_and_gets_no_more),
        TEST(whatever_it_answers_early),
        TEST(what_it_says_meanwhile_is_no_answer),
        TEST(no_success_before_all_is_gone),
        TEST(an_answer_that_takes_long_costs_nothing),
        TEST(who_goes_is_told_of),
        TEST(who_takes_no_more_is_given_up),
        TEST(what_is_lost_on_the_way_is_cut),
        TEST(who_gives_more_than_was_said_is_cut),
        TEST(a_piece_that_cannot_be_sent_is_the_last),
        TEST(it_can_be_aborted_at_any_time),
        TEST(the_next_endpoint_gets_all_of_it),
        TEST(only_images_that_are_large_plain_and_glances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
