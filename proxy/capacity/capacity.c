/* SPDX-License-Identifier: Apache-2.0 */
/* What is on its way to a store is not in its bucket's figures yet, or only in part: two uploads
 * that fit each by itself may not fit together. A store has a row while something is. */
#include "intake/capacity.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char *name;
    uint64_t bytes; /* in flight */
    size_t holders;
    struct row *next;
};

struct rooms {
    pthread_mutex_t lock; /* over the rows: no more than uploads in flight */
    struct row *first;
};

struct rooms *rooms_new(void)
{
    struct rooms *rooms = calloc(1, sizeof *rooms);
    if (rooms)
        pthread_mutex_init(&rooms->lock, NULL);
    return rooms;
}

void rooms_free(struct rooms *rooms)
{
    if (!rooms)
        return;
    pthread_mutex_destroy(&rooms->lock);
    free(rooms);
}

/* --- rows, with the lock held -------------------------------------------------------------- */

static struct row *row_add(struct rooms *rooms, const char *name)
{
    struct row *row = calloc(1, sizeof *row);
    char *copy = strdup(name);
    if (!row || !copy) {
        free(row);
        free(copy);
        return NULL;
    }
    *row = (struct row){.name = copy, .next = rooms->first};
    return rooms->first = row;
}

static struct row *row_of(struct rooms *rooms, const char *name)
{
    struct row *row = rooms->first;
    while (row && strcmp(row->name, name) != 0)
        row = row->next;
    return row ? row : row_add(rooms, name);
}

static void drop_if_unused(struct rooms *rooms, struct row *row)
{
    if (row->holders)
        return;
    struct row **at = &rooms->first;
    while (*at != row)
        at = &(*at)->next;
    *at = row->next;
    free(row->name);
    free(row);
}

/* No sum here may pass 2^64: a client says how large its upload is. */
static bool fits(uint64_t limit, uint64_t used, uint64_t in_flight, uint64_t bytes)
{
    return used <= limit && in_flight <= limit - used && bytes <= limit - used - in_flight;
}

/* --- taking and giving back ---------------------------------------------------------------- */

enum room_outcome room_take(struct rooms *rooms, const char *name, uint64_t bytes, uint64_t used,
                            uint64_t limit, struct room *room, uint64_t *in_flight)
{
    enum room_outcome outcome = ROOM_NO_MEMORY;
    pthread_mutex_lock(&rooms->lock);
    struct row *row = row_of(rooms, name);
    if (row) {
        *in_flight = row->bytes;
        outcome = fits(limit, used, row->bytes, bytes) ? ROOM_TAKEN : ROOM_FULL;
        if (outcome == ROOM_TAKEN) {
            row->bytes += bytes;
            row->holders++;
            *room = (struct room){rooms, row, bytes};
        }
        drop_if_unused(rooms, row);
    }
    pthread_mutex_unlock(&rooms->lock);
    return outcome;
}

void room_give_back(struct room *room)
{
    if (!room->rooms)
        return;
    struct row *row = room->store;
    pthread_mutex_lock(&room->rooms->lock);
    row->bytes -= room->bytes;
    row->holders--;
    drop_if_unused(room->rooms, row);
    pthread_mutex_unlock(&room->rooms->lock);
    *room = (struct room){0};
}
