/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTTP at a port that speaks TLS: whoever left out the s of https:// is told so.
 *
 * GnuTLS reads the handshake by recv(), and hook.c looks at the first byte before it does. A record
 * of TLS begins with its type, 20 to 24 (RFC 8446 5.1), an SSLv2 hello with the high bit set, and a
 * request of HTTP with a letter. GnuTLS never gets the letter: it waits for bytes that do not come,
 * and the guard stops at the head, which is refused as any other. */
#include "listener/listener_priv.h"

#include "intake/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* What is looked at for the method, and for Host. */
enum { OPENING = 8, HEAD_SEEN = 4096 };

static bool is_letter(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

void plain_http_look(struct connection *connection)
{
    char opening[OPENING];
    ssize_t count = recv(connection->fd, opening, sizeof opening, MSG_PEEK | MSG_DONTWAIT);
    if (count <= 0)
        return;
    connection->opened = true;
    connection->plain_http = is_letter(opening[0]);
    if (!connection->plain_http)
        return;
    guard_judge(&connection->guard, opening, (size_t)count);
    guard_stop(&connection->guard, REFUSAL_PLAIN_HTTP, NULL);
    connection_has_read(connection);
}

/* The value of the first line that is a Host, in the client's own bytes. */
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

/* As head_fault() takes it. */
static bool is_sound(const struct request_head *head)
{
    struct request_head alone = *head;
    struct framing_facts framing;
    alone.target = "/";
    return !head_fault(&alone, &framing);
}

void plain_http_read_host(struct client *client)
{
    char head[HEAD_SEEN], host[300];
    ssize_t count = recv(client->connection->fd, head, sizeof head - 1, MSG_PEEK | MSG_DONTWAIT);
    head[count > 0 ? count : 0] = '\0';
    if (!find_host(head, host, sizeof host) || !headers_add(&client->head.headers, "Host", host))
        return;
    if (!is_sound(&client->head))
        headers_free(&client->head.headers);
}
