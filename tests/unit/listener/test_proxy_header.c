/* SPDX-License-Identifier: Apache-2.0 */
/* Each header whole, cut at every byte, and followed by a request. */
#include "listener/proxy_header.h"

#include "intake/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FOUR      "\xc0\0\2\7\xc0\0\2\x8\xdc\x04\1\xbb"
#define SIX                                                                                        \
    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\7\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\x8\xdc\x04\1\xbb"
#define ROW(text) text, sizeof text - 1

struct row {
    const char *bytes;
    size_t length;
    const char *client; /* NULL: the peer's; "": malformed */
};

static const struct row ROWS[] = {
    {ROW("PROXY TCP4 192.0.2.7 192.0.2.8 56324 443\r\n"), "192.0.2.7"},
    {ROW("PROXY TCP4 1.1.1.1 2.2.2.2 0 65535\r\n"), "1.1.1.1"},
    {ROW("PROXY TCP6 2001:db8::7 2001:db8::8 56324 443\r\n"), "2001:db8::7"},
    {ROW("PROXY TCP6 ::ffff:192.0.2.7 ::1 56324 443\r\n"), "192.0.2.7"},
    {ROW("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {ROW("PROXY UNKNOWN\r\n"), NULL},
    {ROW("PROXY UNKNOWN 192.0.2.7 and more\r\n"), NULL},
    {ROW(SIGNATURE "\x21\x11\0\x0c" FOUR), "192.0.2.7"},
    {ROW(SIGNATURE "\x21\x11\0\x0f" FOUR "\3\0\0"), "192.0.2.7"}, /* with a further field */
    {ROW(SIGNATURE "\x21\x21\0\x24" SIX), "2001:db8::7"},
    {ROW(SIGNATURE "\x20\0\0\0"), NULL},
    {ROW(SIGNATURE "\x20\x11\0\x0c" FOUR), NULL},
    {ROW(SIGNATURE "\x21\0\0\0"), NULL},

    {ROW("PROXY TCP4 192.0.2.7 192.0.2.8 56324\r\n"), ""},
    {ROW("PROXY TCP4 192.0.2.7 192.0.2.8 56324 443 \r\n"), ""},
    {ROW("PROXY TCP4  192.0.2.7 192.0.2.8 56324 443\r\n"), ""},
    {ROW("PROXY TCP4 192.0.2.7 192.0.2.8 65536 443\r\n"), ""},
    {ROW("PROXY TCP4 192.0.2.7 192.0.2.8 -1 443\r\n"), ""},
    {ROW("PROXY TCP4 192.0.2.7 192.0.2.8 01 443\r\n"), ""},
    {ROW("PROXY TCP4 192.0.2 192.0.2.8 1 443\r\n"), ""},
    {ROW("PROXY TCP4 2001:db8::7 192.0.2.8 1 443\r\n"), ""},
    {ROW("PROXY TCP6 192.0.2.7 ::1 1 443\r\n"), ""},
    {ROW("PROXY TCP4 192.0.2.7\0 192.0.2.8 1 443\r\n"), ""},
    {ROW("PROXY TCP4 ....\r\n"), ""},
    {ROW("PROXY UDP4 192.0.2.7 192.0.2.8 1 443\r\n"), ""},
    {ROW("PROXY  UNKNOWN\r\n"), ""},
    {ROW(SIGNATURE "\x21\x11\0\x0b"
                   "\xc0\0\2\7\xc0\0\2\x8\xdc\x04\1"),
     ""},
    {ROW(SIGNATURE "\x21\x21\0\x0c" FOUR), ""},
    {ROW(SIGNATURE "\x21\x12\0\x0c" FOUR), ""},
    {ROW(SIGNATURE "\x21\x31\0\x0c" FOUR), ""},
    {ROW(SIGNATURE "\x22\x11\0\x0c" FOUR), ""},
    {ROW(SIGNATURE "\x11\x11\0\x0c" FOUR), ""},
};

/* Reads a row as a socket that gives at most `piece` bytes at a time; a request follows. */
static size_t read_all(const struct row *row, size_t piece, unsigned char *into)
{
    static const char request[18] = "GET / HTTP/1.1\r\n\r\n";
    char stream[PROXY_HEADER_MAX * 2];
    size_t length = 0;
    memcpy(stream, row->bytes, row->length);
    memcpy(stream + row->length, request, sizeof request);
    for (ssize_t wanted; (wanted = proxy_header_wants(into, length)) > 0;) {
        size_t count = (size_t)wanted < piece ? (size_t)wanted : piece;
        memcpy(into + length, stream + length, count);
        length += count;
        assert_true(length <= row->length);
    }
    return length;
}

static void check(const struct row *row, size_t piece)
{
    unsigned char bytes[PROXY_HEADER_MAX];
    struct sockaddr_storage client;
    socklen_t size = 0;
    char address[ADDRESS_TEXT_MAX] = "";
    size_t length = read_all(row, piece, bytes);
    enum proxy_header_source source = proxy_header_read(bytes, length, &client, &size);
    if (source == PROXY_HEADER_ADDRESS)
        address_text((const struct sockaddr *)&client, address);
    if (!row->client || *row->client)
        assert_int_equal(length, row->length);
    if (source != (!row->client   ? PROXY_HEADER_PEER
                   : *row->client ? PROXY_HEADER_ADDRESS
                                  : PROXY_HEADER_MALFORMED))
        fail_msg("%s, by %zu: %d", row->bytes, piece, source);
    if (row->client)
        assert_string_equal(address, row->client);
}

static void headers_are_read_by_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        for (size_t piece = 1; piece <= ROWS[i].length; piece++)
            check(&ROWS[i], piece);
}

/* A cut header is never taken for a whole one. */
static void part_of_a_header_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        for (size_t length = 0; length < ROWS[i].length; length++) {
            struct sockaddr_storage client;
            socklen_t size;
            assert_int_equal(
                proxy_header_read((const unsigned char *)ROWS[i].bytes, length, &client, &size),
                PROXY_HEADER_MALFORMED);
        }
}

static ssize_t wants(const char *bytes, size_t length)
{
    return proxy_header_wants((const unsigned char *)bytes, length);
}

/* Refused as early as it can be told. */
static void what_is_no_header_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wants("GET / HTTP/1.1\r\n", 1), -1);
    assert_int_equal(wants("\x16\x03\x01", 3), -1);
    assert_int_equal(wants("PROX\r", 5), -1);
    assert_int_equal(wants("PROXYTCP4", 9), -1);
    assert_int_equal(wants("\r\n\r\nQ", 5), -1);
    assert_int_equal(wants("PROXY TCP4 1.1.1\r2", 18), -1);
}

static void headers_have_a_maximum(void **state)
{
    (void)state;
    static const char start[14] = "PROXY UNKNOWN ";
    char line[200];
    memset(line, 'x', sizeof line);
    memcpy(line, start, sizeof start);
    assert_int_equal(wants(line, 105), 2);
    assert_int_equal(wants(line, 106), -1);
    line[105] = '\r';
    assert_int_equal(wants(line, 106), 1);
    assert_true(wants(SIGNATURE "\x21\x11\x0f\xf0", 16) == PROXY_HEADER_MAX - 16);
    assert_int_equal(wants(SIGNATURE "\x21\x11\x0f\xf1", 16), -1);
    assert_int_equal(wants(SIGNATURE "\x21\x11\xff\xff", 16), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_by_pieces_of_any_size),
        cmocka_unit_test(part_of_a_header_is_none),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(headers_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
