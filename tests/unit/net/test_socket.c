/* SPDX-License-Identifier: Apache-2.0 */
/* A plain socket: what each call returns, over a socket pair and over TCP. */
#include "net/socket.h"

#include "net/pipe.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "support/failing_calls.h"

static struct net_socket near;
static int far; /* the other end */
static struct pipe pipe_;
static char bytes[PIPE_SIZE];

static int set_up(void **state)
{
    (void)state;
    int ends[2];
    fail_with = 0;
    signal(SIGPIPE, SIG_IGN); /* splice(2) has no MSG_NOSIGNAL */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    near = net_socket_plain(ends[0]);
    far = ends[1];
    pipe_ = NO_PIPE;
    assert_true(pipe_open(&pipe_));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pipe_close(&pipe_);
    close(near.fd);
    close(far);
    return 0;
}

/* One call of each kind. */
static ssize_t call_read(void)
{
    return net_read(&near, bytes, sizeof bytes);
}

static ssize_t call_peek(void)
{
    return net_peek(&near, bytes, sizeof bytes);
}

static ssize_t call_splice_in(void)
{
    return net_splice_in(&near, pipe_.ends[1], PIPE_SIZE);
}

static ssize_t call_write(void)
{
    return net_write(&near, bytes, sizeof bytes);
}

static ssize_t call_splice_out(void)
{
    return net_splice_out(&near, pipe_.ends[0], PIPE_SIZE);
}

static ssize_t (*const READS[])(void) = {call_read, call_peek, call_splice_in};
static ssize_t (*const WRITES[])(void) = {call_write, call_splice_out};
static ssize_t (*const CALLS[])(void) = {call_read, call_peek, call_splice_in, call_write,
                                         call_splice_out};

#define EACH(call, calls)                                                                          \
    for (ssize_t(*const *call)(void) = (calls); call < (calls) + sizeof(calls) / sizeof(calls)[0]; \
         call++)

static void fill_pipe(void)
{
    assert_int_equal(write(pipe_.ends[1], bytes, PIPE_SIZE), PIPE_SIZE);
}

static void bytes_pass_in_both_directions(void **state)
{
    (void)state;
    char text[8] = "";
    assert_int_equal(net_write(&near, "abc", 3), 3);
    assert_int_equal(read(far, text, sizeof text), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(write(far, "defgh", 5), 5);
    assert_true(net_has_bytes(&near));
    assert_int_equal(net_peek(&near, text, 1), 1);
    assert_int_equal(net_read(&near, text, 3), 3);
    assert_memory_equal(text, "def", 3);
    assert_int_equal(net_splice_in(&near, pipe_.ends[1], 100), 2);
    assert_false(net_has_bytes(&near));
    assert_int_equal(net_splice_out(&near, pipe_.ends[0], 2), 2);
    assert_int_equal(read(far, text, sizeof text), 2);
    assert_memory_equal(text, "gh", 2);
    assert_true(net_can_splice(&near));
}

static void read_waits_without_bytes(void **state)
{
    (void)state;
    EACH(call, READS)
    assert_int_equal((*call)(), STREAM_WAIT);
}

static void bytes_that_have_arrived_count(void **state)
{
    (void)state;
    assert_true(net_may_have(&near, 0));
    assert_false(net_may_have(&near, 1));
    assert_int_equal(write(far, "bytes", 5), 5);
    assert_true(net_may_have(&near, 5));
    assert_false(net_may_have(&near, 6));
}

static void write_waits_without_space(void **state)
{
    (void)state;
    while (call_write() > 0)
        ;
    fill_pipe();
    EACH(call, WRITES)
    assert_int_equal((*call)(), STREAM_WAIT);
}

static void read_ends_when_the_peer_has_ended(void **state)
{
    (void)state;
    shutdown(far, SHUT_WR);
    EACH(call, READS)
    assert_int_equal((*call)(), STREAM_END);
    assert_int_equal(net_write(&near, "abc", 3), 3); /* the peer still reads */
}

static void write_is_lost_when_the_peer_has_closed(void **state)
{
    (void)state;
    fill_pipe();
    close(far);
    EACH(call, WRITES)
    assert_int_equal((*call)(), STREAM_LOST);
}

/* Replaces the pair by a TCP connection that the far end has reset. */
static void reset_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    close(near.fd);
    close(far);
    near = net_socket_plain(socket(AF_INET, SOCK_STREAM, 0));
    assert_int_equal(connect(near.fd, (struct sockaddr *)&address, size), 0);
    far = accept(listening, NULL, NULL);
    close(listening);
    struct linger none = {.l_onoff = 1};
    setsockopt(far, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(far);
}

static void every_call_is_lost_after_a_reset(void **state)
{
    (void)state;
    EACH(call, CALLS)
    {
        if (call != CALLS)
            set_up(state);
        reset_tcp();
        fill_pipe();
        pipe_close(&pipe_);
        assert_true(pipe_open(&pipe_));
        if (*call == call_splice_out)
            fill_pipe();
        assert_int_equal((*call)(), STREAM_LOST);
        if (call != CALLS + sizeof CALLS / sizeof CALLS[0] - 1)
            tear_down(state);
    }
}

static void errno_means_the_same_in_every_call(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum stream_code code;
    } rows[] = {
        {EAGAIN, STREAM_WAIT},       {EINTR, STREAM_WAIT},      {ENOMEM, STREAM_NO_MEMORY},
        {ENOBUFS, STREAM_NO_MEMORY}, {ECONNRESET, STREAM_LOST}, {EPIPE, STREAM_LOST},
        {ETIMEDOUT, STREAM_LOST},    {EINVAL, STREAM_LOST},     {EBADF, STREAM_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        EACH(call, CALLS)
        {
            fail_with = rows[i].error;
            assert_int_equal((*call)(), rows[i].code);
        }
}

static int low_water(void)
{
    int count = -1;
    socklen_t size = sizeof count;
    assert_int_equal(getsockopt(near.fd, SOL_SOCKET, SO_RCVLOWAT, &count, &size), 0);
    return count;
}

static void low_water_mark_follows_the_expected_bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t remaining;
        int plain, inexact;
    } rows[] = {
        {UINT64_MAX, PIPE_SIZE, PIPE_SIZE},
        {2 * PIPE_SIZE, PIPE_SIZE, PIPE_SIZE},
        {2 * PIPE_SIZE - 1, PIPE_SIZE, 1},
        {PIPE_SIZE - 1, PIPE_SIZE - 1, 1},
        {1, 1, 1},
        {0, 1, 1},
    };
    struct net_operations inexact = NET_PLAIN;
    inexact.exact = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        near.operations = &NET_PLAIN;
        net_expect(&near, rows[i].remaining);
        assert_int_equal(low_water(), rows[i].plain);
        near.operations = &inexact;
        net_expect(&near, rows[i].remaining);
        assert_int_equal(low_water(), rows[i].inexact);
    }
}

static void socket_reads_on_after_its_end_of_sending(void **state)
{
    (void)state;
    char byte;
    net_end_sending(&near);
    assert_int_equal(read(far, &byte, 1), 0);
    assert_int_equal(write(far, "x", 1), 1);
    assert_int_equal(net_read(&near, &byte, 1), 1);
    assert_int_equal(byte, 'x');
}

static void socket_without_splice_operations_cannot_splice(void **state)
{
    (void)state;
    struct net_operations without = NET_PLAIN;
    without.splice_in = NULL;
    without.splice_out = NULL;
    near.operations = &without;
    assert_false(net_can_splice(&near));
    assert_int_equal(call_splice_in(), STREAM_NO_SPLICE);
    assert_int_equal(call_splice_out(), STREAM_NO_SPLICE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bytes_pass_in_both_directions),
        TEST(read_waits_without_bytes),
        TEST(bytes_that_have_arrived_count),
        TEST(write_waits_without_space),
        TEST(read_ends_when_the_peer_has_ended),
        TEST(write_is_lost_when_the_peer_has_closed),
        TEST(every_call_is_lost_after_a_reset),
        TEST(errno_means_the_same_in_every_call),
        TEST(low_water_mark_follows_the_expected_bytes),
        TEST(socket_reads_on_after_its_end_of_sending),
        TEST(socket_without_splice_operations_cannot_splice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
