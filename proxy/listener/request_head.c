/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the head of a request from libmicrohttpd, and checks it. */
#include "listener/listener_priv.h"

#include "intake/secret.h"

#include <stdlib.h>
#include <string.h>

static bool add_trimmed(struct headers *headers, const char *name, const char *value, size_t size)
{
    char *trimmed = strndup(value, size);
    bool added = trimmed && headers_add(headers, name, trimmed);
    free(trimmed);
    return added;
}

/* Whitespace after a value is no part of it (RFC 9110 5.5). A size that differs from strlen() means
 * a NUL, which the guard refuses. */
static enum MHD_Result copy_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    if (!value)
        return headers_add(context, name, "") ? MHD_YES : MHD_NO;
    if (strlen(name) != name_size || strlen(value) != value_size)
        return MHD_NO;
    size_t size = value_size;
    while (size && strchr(" \t", value[size - 1]))
        size--;
    bool added = size == value_size ? headers_add(context, name, value)
                                    : add_trimmed(context, name, value, size);
    return added ? MHD_YES : MHD_NO;
}

/* Takes over a fault of the body that was read together with the head. */
static void copy_fault(struct client *client)
{
    const struct connection *connection = client->connection;
    const struct guard *guard = &connection->guard;
    if (client->fault || !guard->fault || guard_in_head(guard) ||
        guard->heads != connection->requests)
        return;
    client->fault = guard->fault;
    client->refusal = guard->refusal;
}

bool client_take_head(struct client *client, const char *method, const char *version)
{
    client->method = strdup(method);
    client->version = strdup(version);
    if (!client->method || !client->version)
        return false;
    client->head.method = client->method;
    client->head.version = client->version;
    struct MHD_Connection *mhd = client->connection->mhd;
    int count =
        MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, copy_header, &client->head.headers);
    if (count < 0 || (size_t)count != client->head.headers.count)
        return false;
    client->fault = head_fault(&client->head, &client->framing);
    copy_fault(client);
    return true;
}

static bool is_secret(const char *name)
{
    return header_name_is(name, "Authorization");
}

/* The value is in libmicrohttpd's buffer, which it has read into and parsed in place. It does not
 * look at this field again, and overwrites the buffer itself only before the next request. */
static enum MHD_Result wipe_value(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
    (void)context;
    (void)kind;
    (void)name_size;
    if (value && is_secret(name))
        explicit_bzero((char *)value, value_size);
    return MHD_YES;
}

void client_wipe_secrets(struct client *client)
{
    MHD_get_connection_values_n(client->connection->mhd, MHD_HEADER_KIND, wipe_value, NULL);
    headers_each(row, &client->head.headers)
        if (is_secret(row->name))
            secret_wipe(row->value);
}
