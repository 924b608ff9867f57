/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the bytes in flight to each store. A bucket's figures do not contain them yet, or only a
 * part. So without this, two uploads might both be accepted although they do not fit together. A
 * store has a row while it has uploads in flight. */
#include "intake/capacity.h"

#include "intake/tally.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char *name;
    uint64_t bytes; /* in flight */
    size_t holders;
    struct row *next;
};

struct capacity {
    pthread_mutex_t lock; /* protects the rows; there are at most as many as uploads in flight */
    struct row *first;
    uint64_t ended;           /* reservations, so far */
    uint64_t ended_elsewhere; /* how often some have ended at other proxies */
    struct tally *elsewhere;  /* in flight at other proxies; NULL: nothing */
};

struct capacity *capacity_new(void)
{
    struct capacity *capacity = calloc(1, sizeof *capacity);
    if (capacity)
        pthread_mutex_init(&capacity->lock, NULL);
    return capacity;
}

void capacity_free(struct capacity *capacity)
{
    if (!capacity)
        return;
    pthread_mutex_destroy(&capacity->lock);
    tally_free(capacity->elsewhere);
    free(capacity);
}

/* --- rows: the caller holds the lock --------------------------------------------------- */

static struct row *row_add(struct capacity *capacity, const char *name)
{
    struct row *row = calloc(1, sizeof *row);
    char *copy = strdup(name);
    if (!row || !copy) {
        free(row);
        free(copy);
        return NULL;
    }
    *row = (struct row){.name = copy, .next = capacity->first};
    return capacity->first = row;
}

static struct row *find(const struct capacity *capacity, const char *name)
{
    struct row *row = capacity->first;
    while (row && strcmp(row->name, name) != 0)
        row = row->next;
    return row;
}

static struct row *row_of(struct capacity *capacity, const char *name)
{
    struct row *row = find(capacity, name);
    return row ? row : row_add(capacity, name);
}

static void drop_if_unused(struct capacity *capacity, struct row *row)
{
    if (row->holders)
        return;
    struct row **at = &capacity->first;
    while (*at != row)
        at = &(*at)->next;
    *at = row->next;
    free(row->name);
    free(row);
}

/* Avoids sums that could overflow: `bytes` comes from a client. */
static bool fits(uint64_t limit, uint64_t used, uint64_t in_flight, uint64_t bytes)
{
    return used <= limit && in_flight <= limit - used && bytes <= limit - used - in_flight;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

/* `in_flight`: here and elsewhere. */
static enum capacity_outcome judge(const struct row *row, uint64_t in_flight, uint64_t bytes,
                                   uint64_t used, uint64_t limit)
{
    if (fits(limit, used, in_flight, bytes))
        return CAPACITY_RESERVED;
    return fits(limit, used, row->bytes, bytes) ? CAPACITY_FULL_ELSEWHERE : CAPACITY_FULL;
}

/* --- reserve and release --------------------------------------------------------------- */

enum capacity_outcome capacity_reserve(struct capacity *capacity, const char *name, uint64_t bytes,
                                       uint64_t used, uint64_t limit,
                                       struct capacity_reservation *reservation,
                                       uint64_t *in_flight)
{
    enum capacity_outcome outcome = CAPACITY_NO_MEMORY;
    pthread_mutex_lock(&capacity->lock);
    struct row *row = row_of(capacity, name);
    if (row) {
        *in_flight = sum(row->bytes, tally_find(capacity->elsewhere, name).firm);
        outcome = judge(row, *in_flight, bytes, used, limit);
        if (outcome == CAPACITY_RESERVED) {
            row->bytes += bytes;
            row->holders++;
            *reservation = (struct capacity_reservation){capacity, row, bytes};
        }
        drop_if_unused(capacity, row);
    }
    pthread_mutex_unlock(&capacity->lock);
    return outcome;
}

bool capacity_has_room(struct capacity *capacity, const char *name, uint64_t bytes, uint64_t used,
                       uint64_t limit, uint64_t *in_flight)
{
    pthread_mutex_lock(&capacity->lock);
    const struct row *row = find(capacity, name);
    *in_flight = row ? row->bytes : 0;
    pthread_mutex_unlock(&capacity->lock);
    return fits(limit, used, *in_flight, bytes);
}

uint64_t capacity_ended(struct capacity *capacity)
{
    pthread_mutex_lock(&capacity->lock);
    uint64_t ended = capacity->ended + capacity->ended_elsewhere;
    pthread_mutex_unlock(&capacity->lock);
    return ended;
}

void capacity_release(struct capacity_reservation *reservation)
{
    if (!reservation->capacity)
        return;
    struct row *row = reservation->store;
    pthread_mutex_lock(&reservation->capacity->lock);
    row->bytes -= reservation->bytes;
    row->holders--;
    reservation->capacity->ended++;
    drop_if_unused(reservation->capacity, row);
    pthread_mutex_unlock(&reservation->capacity->lock);
    *reservation = (struct capacity_reservation){0};
}

/* --- other proxies ----------------------------------------------------------------------- */

bool capacity_tell(struct capacity *capacity, struct tally *out, uint64_t *ended)
{
    bool good = true;
    pthread_mutex_lock(&capacity->lock);
    for (const struct row *row = capacity->first; row; row = row->next)
        good = good && tally_add(out, row->name, (struct tally_bytes){.firm = row->bytes});
    *ended = capacity->ended;
    pthread_mutex_unlock(&capacity->lock);
    return good;
}

void capacity_hear(struct capacity *capacity, struct tally *elsewhere, bool ended)
{
    pthread_mutex_lock(&capacity->lock);
    struct tally *before = capacity->elsewhere;
    capacity->elsewhere = elsewhere;
    if (ended)
        capacity->ended_elsewhere++;
    pthread_mutex_unlock(&capacity->lock);
    tally_free(before);
}
