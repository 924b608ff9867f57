/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer.h"

#include "intake/log.h"

#include <string.h>

/* A machine that is busy for a moment is no reason for a warning. */
enum { SILENT_AFTER = 3 };

static void set_state(struct peer *peer, enum peer_state state, const char *why)
{
    if (peer->view.state == state)
        return;
    if (state == PEER_SILENT)
        log_say(LOG_LEVEL_WARNING,
                "the proxy at %s does not answer: %s; what it has in flight does not count here",
                peer->view.name, why);
    else if (state == PEER_ANSWERS)
        log_say(LOG_LEVEL_INFO, "the proxy at %s answers", peer->view.name);
    peer->view.state = state;
}

/* A process that has begun again has lost what it had counted. */
static struct peer_news news_of(const struct peer *peer, const struct counts *counts)
{
    const struct counts *before = &peer->counts;
    if (!peer->heard_ms || strcmp(before->process, counts->process) != 0)
        return (struct peer_news){true, counts->stored};
    return (struct peer_news){counts->ended != before->ended, counts->stored > before->stored
                                                                  ? counts->stored - before->stored
                                                                  : 0};
}

static void add_firm(const char *name, struct tally_bytes bytes, void *sum)
{
    (void)name;
    *(uint64_t *)sum += bytes.firm;
}

struct peer_news peer_heard(struct peer *peer, struct counts *counts, const char *own_process,
                            uint64_t now_ms)
{
    bool own = strcmp(counts->process, own_process) == 0;
    struct peer_news news = own ? (struct peer_news){false, 0} : news_of(peer, counts);
    counts_free(&peer->counts);
    peer->counts = *counts;
    *counts = (struct counts){0};
    peer->heard_ms = now_ms;
    peer->missed = 0;
    peer->view.bytes = 0;
    tally_each(peer->counts.stores, add_firm, &peer->view.bytes);
    set_state(peer, own ? PEER_SELF : PEER_ANSWERS, "");
    return news;
}

void peer_missed(struct peer *peer, const char *why, uint64_t now_ms)
{
    peer->missed++;
    peer->view.failures++;
    if (peer->missed >= SILENT_AFTER)
        set_state(peer, PEER_SILENT, why);
    if (peer->heard_ms && now_ms - peer->heard_ms >= PEER_KEPT_MS) {
        counts_free(&peer->counts);
        peer->heard_ms = 0;
        peer->view.bytes = 0;
    }
}

/* --- the sum ------------------------------------------------------------------------------ */

struct adding {
    struct tally *sum;
    bool good;
};

static void add_row(const char *name, struct tally_bytes bytes, void *context)
{
    struct adding *adding = context;
    adding->good = tally_add(adding->sum, name, bytes) && adding->good;
}

bool peer_add(const struct peer *peer, struct counts *sum)
{
    struct adding stores = {sum->stores, true}, quotas = {sum->quotas, true};
    if (!peer->heard_ms || peer->view.state == PEER_SELF)
        return true;
    tally_each(peer->counts.stores, add_row, &stores);
    tally_each(peer->counts.quotas, add_row, &quotas);
    return stores.good && quotas.good;
}

void peer_free(struct peer *peer)
{
    counts_free(&peer->counts);
}
