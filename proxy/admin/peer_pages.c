/* SPDX-License-Identifier: Apache-2.0 */
/* The pages that only the other proxies may read. */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/cluster.h"
#include "intake/record.h"

#include <string.h>

bool is_peer_page(const char *path)
{
    return !strcmp(path, PEER_COUNTS_PATH) || !strcmp(path, PEER_UPLOADS_PATH);
}

static bool write_page(const struct admin_sources *sources, const char *path, struct buffer *out)
{
    return !strcmp(path, PEER_COUNTS_PATH)
               ? cluster_write_counts(sources->cluster, out)
               : records_json(sources->records, sources->registries, out);
}

static enum MHD_Result show(const struct admin_sources *sources, struct MHD_Connection *connection,
                            const char *path, const char *question)
{
    char signature[PEER_SIGNATURE_MAX];
    struct buffer body;
    buffer_init(&body, ADMIN_PAGE_MAX);
    bool good = write_page(sources, path, &body) &&
                cluster_sign_answer(sources->cluster, question, body.data, body.len, signature);
    enum MHD_Result queued =
        good ? admin_answer(connection, 200, "application/json", body.data, body.len, signature)
             : admin_answer_text(connection, 500, "out of memory\n");
    buffer_free(&body);
    return queued;
}

enum MHD_Result peer_page_show(const struct admin_sources *sources,
                               struct MHD_Connection *connection, const char *path)
{
    const char *question = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, PEER_FIELD);
    enum peer_question checked = sources->cluster
                                     ? cluster_check_question(sources->cluster, path, question)
                                     : PEER_QUESTION_OFF;
    if (checked == PEER_QUESTION_GOOD)
        return show(sources, connection, path, question);
    return checked == PEER_QUESTION_OFF
               ? admin_answer_text(connection, 404, "There is no such page.\n")
               : admin_answer_text(connection, 403, "Only the other proxies may read this page.\n");
}
