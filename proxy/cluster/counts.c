/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/counts.h"

#include "intake/buffer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool counts_begin(struct counts *counts)
{
    *counts = (struct counts){.stores = tally_new(), .quotas = tally_new()};
    return counts->stores && counts->quotas;
}

void counts_free(struct counts *counts)
{
    tally_free(counts->stores);
    tally_free(counts->quotas);
    *counts = (struct counts){0};
}

/* --- write ------------------------------------------------------------------------------ */

static json_int_t as_integer(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

/* A name that is no UTF-8 is no name of a store or project of Glance. */
static void write_row(const char *name, struct tally_bytes bytes, void *object)
{
    json_object_set_new(object, name,
                        json_pack("[I, I]", as_integer(bytes.firm), as_integer(bytes.provisional)));
}

static json_t *tally_json(const struct tally *tally)
{
    json_t *object = json_object();
    if (object)
        tally_each(tally, write_row, object);
    return object;
}

bool counts_write(const struct counts *counts, struct buffer *out)
{
    json_t *document =
        json_pack("{s:s, s:I, s:I, s:o, s:o}", "process", counts->process, "ended",
                  as_integer(counts->ended), "stored", as_integer(counts->stored), "stores",
                  tally_json(counts->stores), "quotas", tally_json(counts->quotas));
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    bool written = text && buffer_append(out, text, strlen(text)) && buffer_append(out, "\n", 1);
    free(text);
    json_decref(document);
    return written;
}

/* --- read ------------------------------------------------------------------------------- */

static bool read_tally(json_t *object, struct tally *out)
{
    const char *name;
    json_t *pair;
    json_object_foreach(object, name, pair)
    {
        json_int_t firm, provisional;
        if (json_unpack(pair, "[I, I!]", &firm, &provisional) || firm < 0 || provisional < 0 ||
            !tally_add(out, name, (struct tally_bytes){(uint64_t)firm, (uint64_t)provisional}))
            return false;
    }
    return true;
}

static bool read_document(json_t *document, struct counts *out)
{
    const char *process;
    json_int_t ended, stored;
    json_t *stores, *quotas;
    if (json_unpack(document, "{s:s, s:I, s:I, s:o, s:o}", "process", &process, "ended", &ended,
                    "stored", &stored, "stores", &stores, "quotas", &quotas) ||
        strlen(process) > PROCESS_ID_MAX || ended < 0 || stored < 0)
        return false;
    snprintf(out->process, sizeof out->process, "%s", process);
    out->ended = (uint64_t)ended;
    out->stored = (uint64_t)stored;
    return read_tally(stores, out->stores) && read_tally(quotas, out->quotas);
}

bool counts_read(const char *text, size_t size, struct counts *out)
{
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    bool good = document && read_document(document, out);
    json_decref(document);
    return good;
}
