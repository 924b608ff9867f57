/* SPDX-License-Identifier: Apache-2.0 */
/* A list is enough: it has as many rows as there are uploads in flight, and is looked through once
 * per upload. */
#include "intake/claims.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct claim {
    struct claims *claims;
    char *image_id;
    struct claim_facts facts;
    const _Atomic uint64_t *bytes;
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

static const struct claim *find(const struct claims *claims, const char *image_id)
{
    const struct claim *claim = claims->first;
    while (claim && strcmp(claim->image_id, image_id) != 0)
        claim = claim->next;
    return claim;
}

static void add(struct claims *claims, struct claim *claim)
{
    claim->next = claims->first;
    if (claim->next)
        claim->next->previous = claim;
    claims->first = claim;
}

static struct claim *claim_new(struct claims *claims, const char *image_id,
                               const struct claim_facts *facts, const _Atomic uint64_t *bytes)
{
    struct claim *claim = calloc(1, sizeof *claim);
    if (!claim)
        return NULL;
    claim->claims = claims;
    claim->facts = *facts;
    claim->bytes = bytes;
    claim->image_id = strdup(image_id);
    if (claim->image_id)
        return claim;
    free(claim);
    return NULL;
}

static void claim_free(struct claim *claim)
{
    free(claim->image_id);
    free(claim);
}

enum claim_outcome claims_take(struct claims *claims, const char *image_id,
                               const struct claim_facts *facts_of_this,
                               const _Atomic uint64_t *bytes, struct claim **out,
                               struct claim_facts *facts)
{
    *out = NULL;
    struct claim *claim = claim_new(claims, image_id, facts_of_this, bytes);
    if (!claim)
        return CLAIM_NO_MEMORY;
    pthread_mutex_lock(&claims->lock);
    const struct claim *other = find(claims, image_id);
    if (other) {
        *facts = other->facts;
        facts->bytes = atomic_load_explicit(other->bytes, memory_order_relaxed);
    } else {
        add(claims, claim);
        *out = claim;
    }
    pthread_mutex_unlock(&claims->lock);
    if (!other)
        return CLAIM_TAKEN;
    claim_free(claim);
    return CLAIM_HELD;
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
    claim_free(claim);
}
