/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTTP on a TLS port: a client that used http:// instead of https:// gets a refusal that says
 * so.
 *
 * GnuTLS reads the handshake with recv(), and hook.c looks at the first byte before that. A TLS
 * record begins with its type, 20 to 24 (RFC 8446 5.1), an SSLv2 hello with the high bit set, and
 * an HTTP request with a letter. If it is a letter, GnuTLS gets no byte: it waits for bytes that do
 * not come. The guard stops at the head, which is refused like any other faulty one. */
#include "listener/listener_priv.h"

#include "intake/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* Bytes that are peeked at for the method, and for Host. */
enum { OPENING = 8, HEAD_SEEN = 4096 };

static bool is_letter(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

void plain_http_detect(struct connection *connection)
{
    char opening[OPENING];
    ssize_t count = net_peek(&connection->socket, opening, sizeof opening);
    if (count <= 0)
        return;
    connection->first_byte_seen = true;
    connection->plain_http = is_letter(opening[0]);
    if (!connection->plain_http)
        return;
    connection->socket = net_socket_plain(connection->socket.fd);
    guard_judge(&connection->guard, opening, (size_t)count);
    guard_stop(&connection->guard, REFUSAL_PLAIN_HTTP, NULL);
    connection_has_read(connection);
}

/* Finds the value of the first Host line. The bytes are unchecked input. */
static bool find_host(const char *head, char *host, size_t size)
{
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, "Host:", 5) != 0)
            continue;
        const char *value = line + 5 + strspn(line + 5, " \t");
        size_t length = strcspn(value, "\r");
        if (value[length] == '\r' && length < size)
            return snprintf(host, size, "%.*s", (int)length, value) > 0;
    }
    return false;
}

/* Whether head_fault() accepts the fields. */
static bool is_valid(const struct request_head *head)
{
    struct request_head alone = *head;
    struct framing_facts framing;
    alone.target = "/";
    return !head_fault(&alone, &framing);
}

void plain_http_read_host(struct client *client)
{
    char head[HEAD_SEEN], host[300];
    ssize_t count = net_peek(&client->connection->socket, head, sizeof head - 1);
    head[count > 0 ? count : 0] = '\0';
    if (!find_host(head, host, sizeof host) || !headers_add(&client->head.headers, "Host", host))
        return;
    if (!is_valid(&client->head))
        headers_free(&client->head.headers);
}
