/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pipe.h"

#include "net/socket.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void pipe_takes_its_full_size_and_never_blocks(void **state)
{
    (void)state;
    struct pipe pipe = NO_PIPE;
    char *piece = calloc(1, PIPE_SIZE);
    assert_non_null(piece);
    assert_true(pipe_open(&pipe));
    assert_int_equal(write(pipe.ends[1], piece, PIPE_SIZE), PIPE_SIZE);
    assert_int_equal(write(pipe.ends[1], piece, 1), -1); /* it does not wait for room */
    for (size_t left = PIPE_SIZE; left;) {
        ssize_t got = read(pipe.ends[0], piece, left);
        assert_true(got > 0);
        left -= (size_t)got;
    }
    assert_int_equal(read(pipe.ends[0], piece, 1), -1); /* it does not wait for bytes */
    free(piece);
    pipe_close(&pipe);
}

static void open_pipe_is_not_opened_again(void **state)
{
    (void)state;
    struct pipe pipe = NO_PIPE;
    assert_true(pipe_open(&pipe));
    assert_int_equal(write(pipe.ends[1], "kept", 4), 4);
    struct pipe before = pipe;
    assert_true(pipe_open(&pipe));
    assert_memory_equal(&pipe, &before, sizeof pipe);
    char text[4];
    assert_int_equal(read(pipe.ends[0], text, sizeof text), 4);
    assert_memory_equal(text, "kept", 4);
    pipe_close(&pipe);
}

static void pipe_can_be_closed_twice(void **state)
{
    (void)state;
    struct pipe pipe = NO_PIPE;
    assert_true(pipe_open(&pipe));
    int end = pipe.ends[0];
    for (int i = 0; i < 2; i++) {
        pipe_close(&pipe);
        assert_memory_equal(&pipe, &NO_PIPE, sizeof pipe);
        assert_int_equal(close(end), -1);
    }
}

static void opening_fails_without_descriptors(void **state)
{
    (void)state;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct pipe pipe = NO_PIPE;
    bool opened = pipe_open(&pipe);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(opened);
    assert_memory_equal(&pipe, &NO_PIPE, sizeof pipe);
    assert_true(pipe_open(&pipe));
    pipe_close(&pipe);
}

/* --- to a socket ------------------------------------------------------------------------- */

static struct {
    struct pipe shared;
    struct unsent_pipe unsent;
    struct net_socket near;
    int far;
    char bytes[PIPE_SIZE], got[PIPE_SIZE];
    size_t got_count;
} send_;

static int begin_sending(void **state)
{
    (void)state;
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    send_.near = net_socket_plain(ends[0]);
    send_.far = ends[1];
    send_.shared = NO_PIPE;
    send_.unsent = NO_UNSENT_PIPE;
    send_.got_count = 0;
    for (size_t i = 0; i < sizeof send_.bytes; i++)
        send_.bytes[i] = (char)(i * 31 + i / 251);
    return 0;
}

static int end_sending(void **state)
{
    (void)state;
    pipe_close(&send_.shared);
    pipe_drop_unsent(&send_.unsent);
    close(send_.near.fd);
    close(send_.far);
    return 0;
}

static enum stream_code send_bytes(size_t count)
{
    assert_true(pipe_open(&send_.shared));
    assert_int_equal(write(send_.shared.ends[1], send_.bytes, count), count);
    return pipe_send(&send_.shared, count, &send_.near, &send_.unsent);
}

static void receive(void)
{
    ssize_t got;
    while ((got = read(send_.far, send_.got + send_.got_count, PIPE_SIZE - send_.got_count)) > 0)
        send_.got_count += (size_t)got;
}

static void bytes_that_fit_are_sent_at_once(void **state)
{
    (void)state;
    assert_int_equal(send_bytes(1000), STREAM_END);
    assert_int_equal(send_.unsent.count, 0);
    assert_true(send_.shared.ends[0] >= 0);
    receive();
    assert_int_equal(send_.got_count, 1000);
    assert_memory_equal(send_.got, send_.bytes, 1000);
}

/* The pipe leaves with the unsent bytes, and becomes the shared one again when they are sent. */
static void pipe_stays_with_its_unsent_bytes(void **state)
{
    (void)state;
    assert_int_equal(send_bytes(PIPE_SIZE), STREAM_WAIT);
    assert_in_range(send_.unsent.count, 1, PIPE_SIZE - 1);
    assert_int_equal(send_.shared.ends[0], -1);
    struct pipe kept = send_.unsent.pipe;
    enum stream_code code = STREAM_WAIT;
    while (code == STREAM_WAIT) {
        receive();
        assert_int_equal(send_.shared.ends[0], -1);
        code = pipe_send_unsent(&send_.unsent, &send_.near, &send_.shared);
    }
    receive();
    assert_int_equal(code, STREAM_END);
    assert_int_equal(send_.got_count, PIPE_SIZE);
    assert_memory_equal(send_.got, send_.bytes, PIPE_SIZE);
    assert_memory_equal(&send_.shared, &kept, sizeof kept);
    assert_int_equal(send_.unsent.pipe.ends[0], -1);
}

static void newer_shared_pipe_is_not_replaced(void **state)
{
    (void)state;
    assert_int_equal(send_bytes(PIPE_SIZE), STREAM_WAIT);
    assert_true(pipe_open(&send_.shared));
    struct pipe other = send_.shared;
    int kept = send_.unsent.pipe.ends[0];
    while (pipe_send_unsent(&send_.unsent, &send_.near, &send_.shared) == STREAM_WAIT)
        receive();
    assert_memory_equal(&send_.shared, &other, sizeof other);
    assert_int_equal(send_.unsent.pipe.ends[0], -1);
    assert_int_equal(close(kept), -1);
}

/* The bytes in it must not go to another socket. */
static void pipe_is_not_shared_after_a_loss(void **state)
{
    (void)state;
    shutdown(send_.near.fd, SHUT_RDWR);
    assert_int_equal(send_bytes(1000), STREAM_LOST);
    assert_int_equal(send_.shared.ends[0], -1);
    assert_int_equal(send_.unsent.count, 1000);
    assert_int_equal(pipe_send_unsent(&send_.unsent, &send_.near, &send_.shared), STREAM_LOST);
    assert_int_equal(send_.shared.ends[0], -1);
    pipe_drop_unsent(&send_.unsent);
    assert_int_equal(send_.unsent.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipe_takes_its_full_size_and_never_blocks),
        cmocka_unit_test(open_pipe_is_not_opened_again),
        cmocka_unit_test(pipe_can_be_closed_twice),
        cmocka_unit_test(opening_fails_without_descriptors),
#define SENDING(name) cmocka_unit_test_setup_teardown(name, begin_sending, end_sending)
        SENDING(bytes_that_fit_are_sent_at_once),
        SENDING(pipe_stays_with_its_unsent_bytes),
        SENDING(newer_shared_pipe_is_not_replaced),
        SENDING(pipe_is_not_shared_after_a_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
