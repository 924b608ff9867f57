/* SPDX-License-Identifier: Apache-2.0 */
/* A row for each key with uploads on their way, in shards by the key's hash. A shard is locked for
 * a walk over its few rows. */
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
    uint64_t stored_up_to; /* the sum when something of this shard was stored last */
};

struct reservations {
    struct shard shards[SHARDS];
    _Atomic uint64_t stored; /* the sum of all that was stored so far */
};

struct reservations *reservations_new(void)
{
    struct reservations *all = calloc(1, sizeof *all);
    for (size_t i = 0; all && i < SHARDS; i++)
        pthread_mutex_init(&all->shards[i].lock, NULL);
    return all;
}

void reservations_free(struct reservations *all)
{
    for (size_t i = 0; all && i < SHARDS; i++)
        pthread_mutex_destroy(&all->shards[i].lock);
    free(all);
}

/* --- rows, with the shard's lock held ------------------------------------------------------- */

/* FNV-1a. */
static struct shard *shard_of(struct reservations *all, const char *key)
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

/* Without a sum that could pass 2^64. */
static bool fits(uint64_t left, uint64_t a, uint64_t b, uint64_t c)
{
    return a <= left && b <= left - a && c <= left - a - b;
}

static enum reservation_outcome judge(const struct row *row, const struct reservation_wish *wish)
{
    uint64_t provisional = wish->ignore_provisional ? 0 : row->provisional;
    uint64_t up_to = row->shard->stored_up_to;
    uint64_t since = wish->trust_usage || up_to <= wish->mark ? 0 : up_to - wish->mark;
    if (!fits(wish->left, row->firm, wish->bytes, 0))
        return RESERVATION_FULL;
    if (since && !fits(wish->left, row->firm, provisional, since + wish->bytes))
        return RESERVATION_STALE;
    return fits(wish->left, row->firm, provisional, wish->bytes) ? RESERVATION_MADE
                                                                 : RESERVATION_WAIT;
}

/* --- made and ended ------------------------------------------------------------------------- */

uint64_t reservations_mark(struct reservations *all)
{
    return atomic_load(&all->stored);
}

enum reservation_outcome reservation_make(struct reservations *all,
                                          const struct reservation_wish *wish,
                                          struct reservation *out, uint64_t *firm)
{
    enum reservation_outcome outcome = RESERVATION_NO_MEMORY;
    struct shard *shard = shard_of(all, wish->key);
    pthread_mutex_lock(&shard->lock);
    struct row *row = find_or_add(shard, wish->key);
    if (row) {
        *firm = row->firm;
        outcome = judge(row, wish);
        if (outcome == RESERVATION_MADE) {
            row->provisional += wish->bytes;
            row->holders++;
            *out = (struct reservation){.all = all, .row = row, .bytes = wish->bytes};
        }
        drop_if_unused(row);
    }
    pthread_mutex_unlock(&shard->lock);
    return outcome;
}

uint64_t reservations_firm(struct reservations *all, const char *key)
{
    struct shard *shard = shard_of(all, key);
    pthread_mutex_lock(&shard->lock);
    const struct row *row = find(shard, key);
    uint64_t firm = row ? row->firm : 0;
    pthread_mutex_unlock(&shard->lock);
    return firm;
}

void reservation_confirm(struct reservation *reservation)
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

void reservation_end(struct reservation *reservation, bool stored)
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
    *reservation = (struct reservation){0};
}
