/* SPDX-License-Identifier: Apache-2.0 */
/* A socket with TLS: two GnuTLS sessions over a socket pair. The far session is the client's. */
#include "net/tls_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "support/failing_calls.h"

enum { RECORD = 16 * 1024, ROOM = 256 * 1024, LENGTH = 1024 * 1024 + 7 };

static struct {
    int ends[2];
    gnutls_session_t near, far;
    gnutls_anon_server_credentials_t server;
    gnutls_anon_client_credentials_t client;
    struct net_socket socket;
    struct net_read_ahead ahead;
    char scratch[ROOM], into[ROOM], bytes[LENGTH], got[LENGTH];
} yard;

static gnutls_session_t session(unsigned flags, gnutls_credentials_type_t type, void *credentials,
                                int fd)
{
    gnutls_session_t made;
    assert_int_equal(gnutls_init(&made, flags | GNUTLS_NONBLOCK), 0);
    assert_int_equal(
        gnutls_priority_set_direct(made, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH", NULL),
        0);
    assert_int_equal(gnutls_credentials_set(made, type, credentials), 0);
    gnutls_transport_set_int(made, fd);
    return made;
}

static void shake_hands(void)
{
    int near = GNUTLS_E_AGAIN, far = GNUTLS_E_AGAIN;
    while (near || far) {
        far = far ? gnutls_handshake(yard.far) : 0;
        near = near ? gnutls_handshake(yard.near) : 0;
        assert_false(gnutls_error_is_fatal(far) || gnutls_error_is_fatal(near));
    }
}

static int set_up(void **state)
{
    (void)state;
    fail_with = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, yard.ends), 0);
    gnutls_anon_allocate_server_credentials(&yard.server);
    gnutls_anon_allocate_client_credentials(&yard.client);
    yard.near = session(GNUTLS_SERVER, GNUTLS_CRD_ANON, yard.server, yard.ends[0]);
    yard.far = session(GNUTLS_CLIENT, GNUTLS_CRD_ANON, yard.client, yard.ends[1]);
    shake_hands();
    yard.socket = net_socket_tls(yard.ends[0], yard.near);
    yard.ahead = (struct net_read_ahead){.bytes = yard.scratch, .size = sizeof yard.scratch};
    net_read_ahead(&yard.socket, &yard.ahead);
    for (size_t i = 0; i < LENGTH; i++)
        yard.bytes[i] = (char)(i * 31 + i / 251);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gnutls_deinit(yard.near);
    gnutls_deinit(yard.far);
    gnutls_anon_free_server_credentials(yard.server);
    gnutls_anon_free_client_credentials(yard.client);
    close(yard.ends[0]);
    close(yard.ends[1]);
    return 0;
}

static ssize_t read_some(size_t room)
{
    ssize_t count = net_read(&yard.socket, yard.into, room);
    assert_int_equal(yard.ahead.count, 0); /* other connections share the buffer */
    assert_int_equal(yard.ahead.taken, 0);
    return count;
}

/* The far end sends as much as the socket takes. The near end reads until it has to wait. */
static void receive_all(size_t room)
{
    size_t sent = 0, got = 0;
    while (got < LENGTH) {
        ssize_t count = 1;
        while (sent < LENGTH && count > 0) {
            count = gnutls_record_send(yard.far, yard.bytes + sent,
                                       LENGTH - sent < RECORD ? LENGTH - sent : RECORD);
            sent += count > 0 ? (size_t)count : 0;
        }
        while ((count = read_some(room)) > 0) {
            memcpy(yard.got + got, yard.into, (size_t)count);
            got += (size_t)count;
        }
        assert_int_equal(count, STREAM_WAIT);
    }
    assert_int_equal(got, LENGTH);
    assert_memory_equal(yard.got, yard.bytes, LENGTH);
}

static void every_byte_arrives(void **state)
{
    static const size_t rooms[] = {1000, RECORD, 40 * 1000, ROOM};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        if (i)
            set_up(state);
        receive_all(rooms[i]);
        if (i != sizeof rooms / sizeof rooms[0] - 1)
            tear_down(state);
    }
}

static void write_sends_until_the_socket_is_full(void **state)
{
    (void)state;
    char text[8] = "";
    assert_int_equal(net_write(&yard.socket, "abc", 3), 3);
    assert_int_equal(gnutls_record_recv(yard.far, text, sizeof text), 3);
    assert_string_equal(text, "abc");
    ssize_t count;
    while ((count = net_write(&yard.socket, yard.bytes, RECORD)) > 0)
        ;
    assert_int_equal(count, STREAM_WAIT);
}

static void read_waits_for_a_whole_record(void **state)
{
    (void)state;
    char record[100];
    assert_int_equal(gnutls_record_send(yard.far, "abcdef", 6), 6);
    ssize_t whole = recv(yard.ends[0], record, sizeof record, MSG_DONTWAIT);
    assert_in_range(whole, 10, sizeof record);
    for (ssize_t i = 0; i < whole - 1; i++) {
        assert_int_equal(write(yard.ends[1], record + i, 1), 1);
        assert_int_equal(read_some(ROOM), STREAM_WAIT);
    }
    assert_int_equal(write(yard.ends[1], record + whole - 1, 1), 1);
    assert_int_equal(read_some(ROOM), 6);
    assert_memory_equal(yard.into, "abcdef", 6);
}

static void bytes_of_a_record_that_was_read_in_part_count(void **state)
{
    (void)state;
    assert_int_equal(gnutls_record_send(yard.far, yard.bytes, 1000), 1000);
    assert_true(net_may_have(&yard.socket, 1000));
    assert_int_equal(read_some(10), 10);
    assert_true(net_may_have(&yard.socket, 990));
    assert_false(net_may_have(&yard.socket, 991));
}

/* GnuTLS has the first part of the record, and does not tell. */
static void last_part_of_a_record_counts_with_the_first(void **state)
{
    (void)state;
    static char record[RECORD + 512];
    assert_int_equal(gnutls_record_send(yard.far, yard.bytes, RECORD), RECORD);
    ssize_t whole = recv(yard.ends[0], record, sizeof record, MSG_DONTWAIT);
    assert_in_range(whole, RECORD, sizeof record - 1);
    assert_int_equal(write(yard.ends[1], record, (size_t)whole - 100), whole - 100);
    assert_int_equal(read_some(ROOM), STREAM_WAIT);
    assert_false(net_may_have(&yard.socket, 1)); /* if no more comes */
    assert_int_equal(write(yard.ends[1], record + whole - 100, 100), 100);
    assert_true(net_may_have(&yard.socket, RECORD));
    assert_int_equal(read_some(ROOM), RECORD);
}

static void end_comes_after_the_bytes(void **state)
{
    (void)state;
    assert_int_equal(gnutls_record_send(yard.far, "abc", 3), 3);
    assert_int_equal(gnutls_bye(yard.far, GNUTLS_SHUT_WR), 0);
    assert_int_equal(read_some(ROOM), 3);
    assert_int_equal(read_some(ROOM), STREAM_END);
}

/* Without close_notify an attacker may have ended the connection (RFC 8446, 6.1). */
static void end_without_close_notify_is_a_loss(void **state)
{
    (void)state;
    assert_int_equal(gnutls_record_send(yard.far, "abc", 3), 3);
    shutdown(yard.ends[1], SHUT_WR);
    assert_int_equal(read_some(ROOM), 3);
    assert_int_equal(read_some(ROOM), STREAM_LOST);
}

static void invalid_record_is_a_loss(void **state)
{
    (void)state;
    assert_int_equal(write(yard.ends[1], "\x17\x03\x03\0\3abc", 8), 8);
    assert_int_equal(read_some(ROOM), STREAM_LOST);
}

static void errno_means_the_same_as_without_tls(void **state)
{
    static const struct {
        int error;
        enum stream_code code;
    } rows[] = {
        {EAGAIN, STREAM_WAIT},       {EINTR, STREAM_WAIT},      {ENOMEM, STREAM_NO_MEMORY},
        {ENOBUFS, STREAM_NO_MEMORY}, {ECONNRESET, STREAM_LOST}, {EIO, STREAM_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int ahead = 0; ahead < 2; ahead++) {
            tear_down(state);
            set_up(state);
            fail_with = rows[i].error;
            assert_int_equal(read_some(ahead ? ROOM : 10), rows[i].code);
        }
    }
}

static void end_of_sending_is_announced(void **state)
{
    (void)state;
    char byte;
    net_end_sending(&yard.socket);
    assert_int_equal(gnutls_record_recv(yard.far, &byte, 1), 0);
    assert_int_equal(gnutls_record_send(yard.far, "x", 1), 1);
    assert_int_equal(read_some(ROOM), 1);
}

static void tls_socket_cannot_splice(void **state)
{
    (void)state;
    assert_false(net_can_splice(&yard.socket));
    assert_int_equal(net_splice_in(&yard.socket, 1, 1), STREAM_NO_SPLICE);
    assert_int_equal(net_splice_out(&yard.socket, 0, 1), STREAM_NO_SPLICE);
}

static void plain_socket_reads_nothing_ahead(void **state)
{
    (void)state;
    struct net_socket plain = net_socket_plain(yard.ends[0]);
    net_read_ahead(&plain, &yard.ahead);
    assert_null(plain.ahead);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_byte_arrives),
        TEST(write_sends_until_the_socket_is_full),
        TEST(read_waits_for_a_whole_record),
        TEST(bytes_of_a_record_that_was_read_in_part_count),
        TEST(last_part_of_a_record_counts_with_the_first),
        TEST(end_comes_after_the_bytes),
        TEST(end_without_close_notify_is_a_loss),
        TEST(invalid_record_is_a_loss),
        TEST(errno_means_the_same_as_without_tls),
        TEST(end_of_sending_is_announced),
        TEST(tls_socket_cannot_splice),
        TEST(plain_socket_reads_nothing_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
