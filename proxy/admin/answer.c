/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of the admin listener, with the fields that all of them have. */
#include "admin/admin_priv.h"
#include "intake/cluster.h"
#include "intake/page_files.h"

#include <stdatomic.h>
#include <string.h>

/* False: another process listens now, and is to get the next request. */
static bool is_accepting(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const atomic_bool *accepting = info->socket_context;
    return *accepting;
}

enum MHD_Result admin_answer(struct MHD_Connection *connection, unsigned status, const char *type,
                             const char *body, size_t length, const char *signature)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)body, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    enum MHD_Result queued = MHD_add_response_header(response, "Content-Type", type);
    if (queued)
        queued = MHD_add_response_header(response, "Cache-Control", "no-store");
    for (const struct page_field *field = PAGE_FIELDS; field->name && queued; field++)
        queued = MHD_add_response_header(response, field->name, field->value);
    if (queued && signature)
        queued = MHD_add_response_header(response, PEER_FIELD, signature);
    if (queued && status == 405)
        queued = MHD_add_response_header(response, "Allow", "GET, HEAD");
    if (queued && !is_accepting(connection))
        queued = MHD_add_response_header(response, "Connection", "close");
    if (queued)
        queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result admin_answer_text(struct MHD_Connection *connection, unsigned status,
                                  const char *text)
{
    return admin_answer(connection, status, "text/plain; charset=utf-8", text, strlen(text), NULL);
}
