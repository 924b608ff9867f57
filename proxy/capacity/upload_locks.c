/* SPDX-License-Identifier: Apache-2.0 */
/* A list is enough: it has as many rows as there are uploads in flight, and is looked through a few
 * times per upload. */
#include "intake/upload_locks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct claim {
    struct claims *claims;
    char *image_id;
    struct claim_facts facts;
    const _Atomic uint64_t *bytes;
    bool sent;
    bool disturbed; /* another one was sent since this one has last looked */
    struct claim *next, *previous;
};

struct claims {
    pthread_mutex_t lock;
    struct claim *first;
};

struct claims *claims_new(void)
{
    struct claims *claims = calloc(1, sizeof *claims);
    if (claims)
        pthread_mutex_init(&claims->lock, NULL);
    return claims;
}

void claims_free(struct claims *claims)
{
    if (!claims)
        return;
    pthread_mutex_destroy(&claims->lock);
    free(claims);
}

/* --- made and released --------------------------------------------------------------------- */

static void add(struct claims *claims, struct claim *claim)
{
    pthread_mutex_lock(&claims->lock);
    claim->next = claims->first;
    if (claim->next)
        claim->next->previous = claim;
    claims->first = claim;
    pthread_mutex_unlock(&claims->lock);
}

struct claim *claim_new(struct claims *claims, const char *image_id,
                        const struct claim_facts *facts, const _Atomic uint64_t *bytes)
{
    struct claim *claim = calloc(1, sizeof *claim);
    if (!claim)
        return NULL;
    claim->claims = claims;
    claim->facts = *facts;
    claim->bytes = bytes;
    claim->image_id = strdup(image_id);
    if (!claim->image_id) {
        free(claim);
        return NULL;
    }
    add(claims, claim);
    return claim;
}

void claim_release(struct claim *claim)
{
    if (!claim)
        return;
    struct claims *claims = claim->claims;
    pthread_mutex_lock(&claims->lock);
    if (claim->next)
        claim->next->previous = claim->previous;
    *(claim->previous ? &claim->previous->next : &claims->first) = claim->next;
    pthread_mutex_unlock(&claims->lock);
    free(claim->image_id);
    free(claim);
}

/* --- the others, with the lock held --------------------------------------------------------- */

static struct claim *next_other(const struct claim *claim, struct claim *row)
{
    while (row && (row == claim || strcmp(row->image_id, claim->image_id) != 0))
        row = row->next;
    return row;
}

#define each_other(row, claim)                                                                     \
    for (struct claim *row = next_other(claim, (claim)->claims->first); (row);                     \
         (row) = next_other(claim, (row)->next))

static bool find_sent(const struct claim *claim, struct claim_facts *facts)
{
    bool found = false;
    each_other(row, claim)
    {
        uint64_t bytes = atomic_load_explicit(row->bytes, memory_order_relaxed);
        if (!row->sent || (found && bytes <= facts->bytes))
            continue;
        found = true;
        *facts = row->facts;
        facts->bytes = bytes;
    }
    return found;
}

/* --- asked ---------------------------------------------------------------------------------- */

bool claim_other(const struct claim *claim, struct claim_facts *facts)
{
    pthread_mutex_lock(&claim->claims->lock);
    bool found = find_sent(claim, facts);
    pthread_mutex_unlock(&claim->claims->lock);
    return found;
}

enum claim_outcome claim_send(struct claim *claim, bool anyway)
{
    struct claim_facts facts;
    pthread_mutex_lock(&claim->claims->lock);
    bool look = !anyway && (claim->disturbed || find_sent(claim, &facts));
    claim->disturbed = false;
    claim->sent = claim->sent || !look;
    if (!look)
        each_other(row, claim) row->disturbed = true;
    pthread_mutex_unlock(&claim->claims->lock);
    return look ? CLAIM_LOOK : CLAIM_SENT;
}
