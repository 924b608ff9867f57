/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the reservations of each project's quota. Each key with uploads in flight has a row. The
 * rows are in shards by the key's hash. A shard's lock is held only to search its few rows. */
#include "intake/quota_reservations.h"

#include "intake/tally.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 32 };

struct row {
    char *key;
    struct shard *shard;
    uint64_t firm, provisional; /* bytes */
    size_t holders;
    struct row *next;
};

struct shard {
    pthread_mutex_t lock;
    struct row *first;
    uint64_t stored_up_to; /* the value of `stored` after the last store in this shard */
};

struct quota_reservations {
    struct shard shards[SHARDS];
    _Atomic uint64_t stored;        /* bytes stored so far, in all shards, */
    _Atomic uint64_t stored_here;   /* and without those at other proxies */
    pthread_mutex_t elsewhere_lock; /* protects the next one; taken with or without a shard's */
    struct tally *elsewhere;        /* reservations of other proxies; NULL: none */
};

struct quota_reservations *quota_reservations_new(void)
{
    struct quota_reservations *all = calloc(1, sizeof *all);
    for (size_t i = 0; all && i < SHARDS; i++)
        pthread_mutex_init(&all->shards[i].lock, NULL);
    if (all)
        pthread_mutex_init(&all->elsewhere_lock, NULL);
    return all;
}

void quota_reservations_free(struct quota_reservations *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&all->shards[i].lock);
    pthread_mutex_destroy(&all->elsewhere_lock);
    tally_free(all->elsewhere);
    free(all);
}

/* --- rows: the caller holds the shard's lock ------------------------------------------- */

/* The hash is FNV-1a. */
static struct shard *shard_of(struct quota_reservations *all, const char *key)
{
    uint32_t hash = 2166136261U;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619U;
    return &all->shards[hash % SHARDS];
}

static struct row *find(const struct shard *shard, const char *key)
{
    struct row *row = shard->first;
    while (row && strcmp(row->key, key) != 0)
        row = row->next;
    return row;
}

static struct row *find_or_add(struct shard *shard, const char *key)
{
    struct row *row = find(shard, key);
    if (row)
        return row;
    row = calloc(1, sizeof *row);
    char *copy = strdup(key);
    if (!row || !copy) {
        free(row);
        free(copy);
        return NULL;
    }
    *row = (struct row){.key = copy, .shard = shard, .next = shard->first};
    return shard->first = row;
}

static void drop_if_unused(struct row *row)
{
    if (row->holders)
        return;
    struct row **at = &row->shard->first;
    while (*at != row)
        at = &(*at)->next;
    *at = row->next;
    free(row->key);
    free(row);
}

/* a + b + c <= left, without sums that could overflow. */
static bool fits(uint64_t left, uint64_t a, uint64_t b, uint64_t c)
{
    return a <= left && b <= left - a && c <= left - a - b;
}

static uint64_t stored_since(const struct shard *shard, uint64_t mark)
{
    return shard->stored_up_to > mark ? shard->stored_up_to - mark : 0;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

static struct tally_bytes find_elsewhere(struct quota_reservations *all, const char *key)
{
    pthread_mutex_lock(&all->elsewhere_lock);
    struct tally_bytes bytes = tally_find(all->elsewhere, key);
    pthread_mutex_unlock(&all->elsewhere_lock);
    return bytes;
}

/* `others`: the reservations of other proxies with this key. */
static enum quota_outcome judge(const struct row *row, const struct quota_request *requested,
                                struct tally_bytes others)
{
    uint64_t firm = sum(row->firm, others.firm);
    uint64_t provisional =
        requested->ignore_provisional ? 0 : sum(row->provisional, others.provisional);
    uint64_t since = requested->trust_usage ? 0 : stored_since(row->shard, requested->mark);
    if (!fits(requested->left, row->firm, requested->bytes, 0))
        return QUOTA_FULL;
    if (!fits(requested->left, firm, requested->bytes, 0))
        return requested->ignore_provisional ? QUOTA_FULL : QUOTA_WAIT;
    if (since && !fits(requested->left, firm, provisional, sum(since, requested->bytes)))
        return QUOTA_STALE;
    return fits(requested->left, firm, provisional, requested->bytes) ? QUOTA_RESERVED : QUOTA_WAIT;
}

/* --- marks and reservations ------------------------------------------------------------ */

uint64_t quota_reservations_mark(struct quota_reservations *all)
{
    return atomic_load(&all->stored);
}

enum quota_outcome quota_reserve(struct quota_reservations *all,
                                 const struct quota_request *requested,
                                 struct quota_reservation *out, uint64_t *firm)
{
    enum quota_outcome outcome = QUOTA_NO_MEMORY;
    struct shard *shard = shard_of(all, requested->key);
    pthread_mutex_lock(&shard->lock);
    struct row *row = find_or_add(shard, requested->key);
    if (row) {
        const struct tally_bytes others = find_elsewhere(all, requested->key);
        *firm = sum(row->firm, others.firm);
        outcome = judge(row, requested, others);
        if (outcome == QUOTA_RESERVED) {
            row->provisional += requested->bytes;
            row->holders++;
            *out = (struct quota_reservation){.all = all, .row = row, .bytes = requested->bytes};
        }
        drop_if_unused(row);
    }
    pthread_mutex_unlock(&shard->lock);
    return outcome;
}

uint64_t quota_reservations_firm(struct quota_reservations *all, const char *key)
{
    struct shard *shard = shard_of(all, key);
    pthread_mutex_lock(&shard->lock);
    const struct row *row = find(shard, key);
    uint64_t firm = row ? row->firm : 0;
    pthread_mutex_unlock(&shard->lock);
    return firm;
}

uint64_t quota_reservations_since(struct quota_reservations *all, const char *key, uint64_t mark)
{
    struct shard *shard = shard_of(all, key);
    pthread_mutex_lock(&shard->lock);
    uint64_t since = stored_since(shard, mark);
    pthread_mutex_unlock(&shard->lock);
    return since;
}

/* The caller holds the shard's lock. */
static void add_stored(struct quota_reservations *all, struct shard *shard, uint64_t bytes)
{
    shard->stored_up_to = atomic_fetch_add(&all->stored, bytes) + bytes;
}

/* Likewise. */
static void add_stored_here(struct quota_reservations *all, struct shard *shard, uint64_t bytes)
{
    add_stored(all, shard, bytes);
    atomic_fetch_add(&all->stored_here, bytes);
}

void quota_stored(struct quota_reservations *all, const char *key, uint64_t bytes)
{
    struct shard *shard = shard_of(all, key);
    pthread_mutex_lock(&shard->lock);
    add_stored_here(all, shard, bytes);
    pthread_mutex_unlock(&shard->lock);
}

void quota_confirm(struct quota_reservation *reservation)
{
    struct row *row = reservation->row;
    if (!row || reservation->firm)
        return;
    reservation->firm = true;
    pthread_mutex_lock(&row->shard->lock);
    row->provisional -= reservation->bytes;
    row->firm += reservation->bytes;
    pthread_mutex_unlock(&row->shard->lock);
}

void quota_release(struct quota_reservation *reservation, bool stored)
{
    struct row *row = reservation->row;
    if (!row)
        return;
    struct shard *shard = row->shard;
    pthread_mutex_lock(&shard->lock);
    *(reservation->firm ? &row->firm : &row->provisional) -= reservation->bytes;
    if (stored)
        add_stored_here(reservation->all, shard, reservation->bytes);
    row->holders--;
    drop_if_unused(row);
    pthread_mutex_unlock(&shard->lock);
    *reservation = (struct quota_reservation){0};
}

/* --- other proxies ----------------------------------------------------------------------- */

bool quota_reservations_tell(struct quota_reservations *all, struct tally *out, uint64_t *stored)
{
    bool good = true;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&all->shards[i].lock);
        for (const struct row *row = all->shards[i].first; row; row = row->next)
            good =
                good && tally_add(out, row->key, (struct tally_bytes){row->firm, row->provisional});
        pthread_mutex_unlock(&all->shards[i].lock);
    }
    *stored = atomic_load(&all->stored_here);
    return good;
}

void quota_reservations_hear(struct quota_reservations *all, struct tally *elsewhere,
                             uint64_t stored)
{
    pthread_mutex_lock(&all->elsewhere_lock);
    struct tally *before = all->elsewhere;
    all->elsewhere = elsewhere;
    pthread_mutex_unlock(&all->elsewhere_lock);
    tally_free(before);
    for (size_t i = 0; i < SHARDS && stored; i++) {
        pthread_mutex_lock(&all->shards[i].lock);
        add_stored(all, &all->shards[i], i == 0 ? stored : 0);
        pthread_mutex_unlock(&all->shards[i].lock);
    }
}
