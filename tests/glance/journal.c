/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include "exchange.h"
#include "glance.h"

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void)kind;
    json_array_append_new(context, json_pack("[s, s]", name, value ? value : ""));
    return MHD_YES;
}

void journal_write(struct exchange *exchange)
{
    struct glance *glance = exchange->glance;
    if (exchange->journaled || !glance->journal)
        return;
    exchange->journaled = true;
    json_t *headers = json_array();
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, add_header, headers);
    json_t *line =
        json_pack("{s:s, s:s, s:o, s:I, s:b, s:o}", "method", exchange->method, "target",
                  exchange->target, "headers", headers, "received", (json_int_t)exchange->received,
                  "complete", (int)exchange->whole, "status",
                  exchange->answer.status ? json_integer(exchange->answer.status) : json_null());
    pthread_mutex_lock(&glance->lock);
    json_dumpf(line, glance->journal, JSON_ENSURE_ASCII);
    fputc('\n', glance->journal);
    fflush(glance->journal);
    pthread_mutex_unlock(&glance->lock);
    json_decref(line);
}
