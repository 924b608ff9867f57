/* SPDX-License-Identifier: Apache-2.0 */
/* A client without a connection: what it sends and gets is in memory. For fixture.h. */
#ifndef EXCHANGE_SCRIPTED_CLIENT_H
#define EXCHANGE_SCRIPTED_CLIENT_H

#include "intake/client.h"
#include "intake/reply.h"
#include "intake/request.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

#include <string.h>

struct client {
    struct request_head head;
    struct framing_facts framing;
    struct reply answer; /* status 0: it has none yet */

    /* If a step reads its body. */
    const char *sends; /* what it has not sent yet; NULL: no step reads it */
    ssize_t then;      /* what client_read() returns after that */
    size_t piece;      /* at most so many bytes at a time; 0: no limit */
    bool invited, dropped, left;
    bool uncertified; /* it has shown no certificate, and one is required */
};

/* The linker takes these functions instead of those of the listener's archive. */

const struct request_head *client_head(const struct client *client)
{
    return &client->head;
}

const struct framing_facts *client_framing(const struct client *client)
{
    return &client->framing;
}

void client_answer(struct client *client, struct reply *reply)
{
    assert_int_equal(client->answer.status, 0);
    client->answer = *reply;
    reply_init(reply);
}

const char *client_fault(const struct client *client)
{
    (void)client;
    return NULL;
}

enum refusal client_refusal(const struct client *client)
{
    (void)client;
    return REFUSAL_NONE;
}

bool client_is_certified(struct client *client)
{
    return !client->uncertified;
}

bool client_over_limit(const struct client *client)
{
    (void)client;
    return false;
}

const char *client_peer(const struct client *client)
{
    (void)client;
    return "192.0.2.7";
}

bool client_is_tls(const struct client *client)
{
    (void)client;
    return false;
}

#define NOT_HERE fail_msg("%s() is not for this", __func__)

void client_invite(struct client *client)
{
    assert_non_null(client->sends);
    assert_false(client->invited);
    client->invited = true;
}

bool client_send_interim(struct client *client, const char *status, const struct headers *headers)
{
    (void)client;
    (void)status;
    (void)headers;
    return true;
}

ssize_t client_read(struct client *client, void *into, size_t room)
{
    assert_true(client->sends && client->invited);
    size_t count = strlen(client->sends);
    if (count > room)
        count = room;
    if (client->piece && count > client->piece)
        count = client->piece;
    memcpy(into, client->sends, count);
    client->sends += count;
    return count ? (ssize_t)count : client->then;
}

ssize_t client_splice(struct client *client, int pipe, size_t room)
{
    (void)client;
    (void)pipe;
    (void)room;
    NOT_HERE;
    return STREAM_LOST;
}

void client_vouch(struct client *client)
{
    (void)client;
}

void client_drop(struct client *client)
{
    assert_non_null(client->sends);
    client->dropped = true;
}

void client_leave(struct client *client)
{
    client->left = true;
}

void client_out_of_memory(struct client *client)
{
    (void)client;
    NOT_HERE;
}

/* How the answer flows is not tested here. */

bool client_body_complete(const struct client *client)
{
    (void)client;
    NOT_HERE;
    return false;
}

bool client_can_stream(const struct client *client)
{
    (void)client;
    NOT_HERE;
    return false;
}

void client_answer_stream(struct client *client, const struct client_stream *stream,
                          struct headers *headers)
{
    (void)client;
    (void)stream;
    (void)headers;
    NOT_HERE;
}

void client_more(struct client *client)
{
    (void)client;
    NOT_HERE;
}

/* The real functions would bring in the listener's TLS. The fixture's snapshot is neither shared
 * nor freed. */

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    (void)snapshot;
}

#endif
