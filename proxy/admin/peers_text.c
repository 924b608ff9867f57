/* SPDX-License-Identifier: Apache-2.0 */
/* The other proxies: their uploads together with those of this one, and their metrics. */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/cluster.h"
#include "stats/records_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- /uploads?all ------------------------------------------------------------------------- */

static const char *const LISTS[] = {"in_flight", "finished"};

/* `problem` NULL: it answers. */
static json_t *proxy_json(const char *name, const char *problem)
{
    return json_pack("{s:s, s:b, s:s?}", "proxy", name, "answers", !problem, "problem", problem);
}

/* Moves the rows of one proxy, each with its name. */
static void append_rows(json_t *document, const char *key, const char *proxy, json_t *rows)
{
    json_t *all = json_object_get(document, key);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        if (json_is_object(row) && json_object_set_new(row, "proxy", json_string(proxy)) == 0)
            json_array_append(all, row);
    }
}

static void append_proxy(json_t *document, const char *proxy, json_t *theirs, const char *problem)
{
    json_array_append_new(json_object_get(document, "proxies"), proxy_json(proxy, problem));
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS && !problem; i++)
        append_rows(document, LISTS[i], proxy, json_object_get(theirs, LISTS[i]));
}

static bool has_lists(const json_t *document)
{
    bool has = true;
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++)
        has = json_is_array(json_object_get(document, LISTS[i])) && has;
    return has;
}

static void take_peer(const struct peer_uploads *uploads, void *context)
{
    json_t *theirs = uploads->problem ? NULL : json_loads(uploads->document, 0, NULL);
    bool readable = uploads->problem || has_lists(theirs);
    append_proxy(context, uploads->peer, theirs,
                 readable ? uploads->problem : "its answer cannot be read");
    json_decref(theirs);
}

bool uploads_of_all(const struct admin_sources *sources, struct buffer *out)
{
    json_t *document = json_pack("{s:[], s:[], s:[]}", "proxies", LISTS[0], LISTS[1]);
    json_t *own = records_collect(sources->records, sources->registries);
    if (document && own) {
        append_proxy(document, "this", own, NULL);
        cluster_ask_uploads(sources->cluster, take_peer, document);
    }
    char *text =
        document && own ? json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    bool written = text && buffer_append(out, text, strlen(text)) && buffer_append(out, "\n", 1);
    free(text);
    json_decref(own);
    json_decref(document);
    return written;
}

/* --- /status ------------------------------------------------------------------------------ */

json_t *peers_json(struct cluster *cluster)
{
    static const char *const states[] = {
        [PEER_UNASKED] = "unasked", [PEER_ANSWERS] = "answers", [PEER_SILENT] = "silent"};
    struct peer_view peers[PEERS_MAX];
    size_t count = cluster_look(cluster, peers);
    json_t *list = json_array();
    for (size_t i = 0; i < count && list; i++)
        if (peers[i].state != PEER_SELF)
            json_array_append_new(list, json_pack("{s:s, s:s}", "peer", peers[i].name, "state",
                                                  states[peers[i].state]));
    return list;
}

/* --- metrics ------------------------------------------------------------------------------ */

static bool put_rows(const char *name, const char *type, const char *help,
                     uint64_t (*value)(const struct peer_view *peer), const struct peer_view *peers,
                     size_t count, struct buffer *out)
{
    bool fits = buffer_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    for (size_t i = 0; i < count && fits; i++)
        if (peers[i].state != PEER_SELF)
            fits = buffer_print(out, "%s{peer=\"%s\"} %" PRIu64 "\n", name, peers[i].name,
                                value(&peers[i]));
    return fits;
}

static uint64_t up(const struct peer_view *peer)
{
    return peer->state == PEER_ANSWERS;
}

static uint64_t failures(const struct peer_view *peer)
{
    return peer->failures;
}

static uint64_t bytes(const struct peer_view *peer)
{
    return peer->bytes;
}

bool peers_metrics(struct cluster *cluster, struct buffer *out)
{
    struct peer_view peers[PEERS_MAX];
    size_t count = cluster_look(cluster, peers);
    return count == 0 ||
           (put_rows("glance_intake_peer_up", "gauge", "0 if the other proxy does not answer.", up,
                     peers, count, out) &&
            put_rows("glance_intake_peer_bytes_in_flight", "gauge",
                     "Bytes in flight at the other proxy to stores with a known capacity.", bytes,
                     peers, count, out) &&
            put_rows("glance_intake_peer_failures_total", "counter",
                     "Questions to the other proxy without an answer that counts.", failures, peers,
                     count, out));
}
