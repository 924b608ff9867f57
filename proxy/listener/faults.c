/* SPDX-License-Identifier: Apache-2.0 */
/* What a guard has stopped is refused once the answers before it are out. libmicrohttpd never hears
 * of it: its connection waits for bytes that do not come, and is suspended for the answer.
 *
 * A fault in a head is that of the last head that the guard saw begin. libmicrohttpd may know that
 * request already (its request line was whole), or be at an earlier one. */
#include "listener/listener_priv.h"

#include <string.h>

/* Of the guard's head that is not libmicrohttpd's yet, or not wholly. */
static void refuse_head(struct connection *connection)
{
    struct client *client = connection->client;
    if (!client)
        client = client_new(connection, "");
    if (client)
        client_refuse_head(client);
    else
        connection_cut(connection);
}

void faults_look(struct connection *connection)
{
    const struct guard *guard = &connection->guard;
    struct client *client = connection->client;
    uint64_t unknown = guard->heads - connection->requests;
    if (!guard->fault || connection->deaf)
        return;
    if (!guard_in_head(guard)) {
        if (client && !unknown)
            client_refuse_body(client);
    } else if (client ? !unknown && client->state == CLIENT_HEAD : unknown == 1) {
        refuse_head(connection);
    }
}

static void look(struct task *task)
{
    faults_look((struct connection *)((char *)task - offsetof(struct connection, look)));
}

/* libmicrohttpd is calling just now, and must return first. */
void faults_look_soon(struct connection *connection)
{
    connection->look.run = look;
    if (connection->guard.fault)
        task_post(connection->listener->parts.loop, &connection->look);
}
