/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the reservations of each project's quota. Each key with uploads in flight has a row. The
 * rows are in shards by the key's hash. A shard's lock is held only to search its few rows. */
#include "intake/quota_reservations.h"

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
    _Atomic uint64_t stored; /* bytes stored so far, in all shards */
};

struct quota_reservations *quota_reservations_new(void)
{
    struct quota_reservations *all = calloc(1, sizeof *all);
    for (size_t i = 0; all && i < SHARDS; i++)
        pthread_mutex_init(&all->shards[i].lock, NULL);
    return all;
}

void quota_reservations_free(struct quota_reservations *all)
{
    for (size_t i = 0; all && i < SHARDS; i++)
        pthread_mutex_destroy(&all->shards[i].lock);
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

static enum quota_outcome judge(const struct row *row, const struct quota_request *requested)
{
    uint64_t provisional = requested->ignore_provisional ? 0 : row->provisional;
    uint64_t up_to = row->shard->stored_up_to;
    uint64_t since =
        requested->trust_usage || up_to <= requested->mark ? 0 : up_to - requested->mark;
    if (!fits(requested->left, row->firm, requested->bytes, 0))
        return QUOTA_FULL;
    if (since && !fits(requested->left, row->firm, provisional, since + requested->bytes))
        return QUOTA_STALE;
    return fits(requested->left, row->firm, provisional, requested->bytes) ? QUOTA_RESERVED
                                                                           : QUOTA_WAIT;
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
        *firm = row->firm;
        outcome = judge(row, requested);
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
        shard->stored_up_to =
            atomic_fetch_add(&reservation->all->stored, reservation->bytes) + reservation->bytes;
    row->holders--;
    drop_if_unused(row);
    pthread_mutex_unlock(&shard->lock);
    *reservation = (struct quota_reservation){0};
}
