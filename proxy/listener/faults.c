/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses what a guard has stopped, after the answers to earlier requests were sent. libmicrohttpd
 * gets no byte of the fault: its connection waits for bytes that do not come, and is suspended for
 * the answer.
 *
 * A fault in a head belongs to the last head that the guard has begun. libmicrohttpd may know that
 * request already (if the request line was complete), or may still be at an earlier one. */
#include "listener/listener_priv.h"

#include <string.h>

/* Refuses the guard's current head, of which libmicrohttpd has at most the request line. */
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

void faults_check(struct connection *connection)
{
    const struct guard *guard = &connection->guard;
    struct client *client = connection->client;
    uint64_t unknown = guard->heads - connection->requests;
    if (!guard->fault || (connection->reads_eof && !guard->bare))
        return;
    if (!guard_in_head(guard)) {
        if (client && !unknown)
            client_refuse_body(client);
    } else if (client ? !unknown && client->state == CLIENT_HEAD : unknown == 1) {
        refuse_head(connection);
    }
}

static void check_faults(struct task *task)
{
    faults_check(TAGGED_CONTAINER_OF(task, struct connection, fault_check, OBJECT_CONNECTION));
}

/* Called from within libmicrohttpd, which must return first. Hence the task. */
void faults_check_soon(struct connection *connection)
{
    connection->fault_check.run = check_faults;
    if (connection->guard.fault)
        task_post(connection->listener->parts.loop, &connection->fault_check);
}
