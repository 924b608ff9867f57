/* SPDX-License-Identifier: Apache-2.0 */
/* One queue of tickets, and one row for each endpoint that has uploads. Whenever a place may have
 * become free, the tickets that wait are looked at in their order. */
#include "intake/upload_queue.h"

#include "capacity/wait_line.h"
#include "intake/endpoints.h"
#include "intake/list.h"

#include <stdlib.h>
#include <string.h>

struct row {
    char *url;
    size_t uploads; /* that have a place here */
    struct list place;
};

struct upload_ticket {
    struct wait_ticket wait;
    struct upload_queue *queue;
    struct upload_queue_entry entry;
    struct row *row; /* NULL: it waits */
    int endpoint;    /* its index, if there is a row */
    bool limited;
};

struct upload_queue {
    struct wait_line line; /* its lock protects all members below, and the tickets */
    struct endpoints *endpoints;
    unsigned limit;
    struct list rows;
};

struct upload_queue *upload_queue_new(struct endpoints *endpoints)
{
    struct upload_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    wait_line_begin(&queue->line);
    queue->endpoints = endpoints;
    return queue;
}

void upload_queue_free(struct upload_queue *queue)
{
    if (!queue)
        return;
    wait_line_end(&queue->line);
    free(queue);
}

/* --- rows: the caller holds the lock --------------------------------------------------- */

static struct row *find(struct upload_queue *queue, const char *url)
{
    LIST_EACH(row, &queue->rows, struct row, place)
        if (strcmp(row->url, url) == 0)
            return row;
    return NULL;
}

/* NULL: no memory. */
static struct row *find_or_add(struct upload_queue *queue, const char *url)
{
    struct row *row = find(queue, url);
    if (row)
        return row;
    row = calloc(1, sizeof *row);
    char *copy = strdup(url);
    if (!row || !copy) {
        free(row);
        free(copy);
        return NULL;
    }
    row->url = copy;
    list_insert(&queue->rows, &row->place);
    return row;
}

static void give_back(struct row *row)
{
    if (--row->uploads > 0)
        return;
    list_remove(&row->place);
    free(row->url);
    free(row);
}

/* --- the choice: the caller holds the lock --------------------------------------------- */

static bool is_full(struct upload_queue *queue, const char *url)
{
    const struct row *row = queue->limit ? find(queue, url) : NULL;
    return row && row->uploads >= queue->limit;
}

static bool others_are_well(struct upload_queue *queue, const struct upload_queue_entry *entry,
                            size_t out)
{
    for (size_t i = 0; i < entry->count; i++)
        if (i != out && !(entry->tried & 1U << i) &&
            !endpoints_is_out(queue->endpoints, entry->urls[i]))
            return true;
    return false;
}

static int choose(struct upload_queue *queue, const struct upload_queue_entry *entry)
{
    unsigned excluded = entry->tried;
    for (size_t i = 0; i < entry->count; i++)
        if (is_full(queue, entry->urls[i]))
            excluded |= 1U << i;
    int chosen = endpoints_choose(queue->endpoints, entry->urls, entry->count, excluded,
                                  TURN_UPLOAD, entry->preferred);
    if (chosen >= 0 && queue->limit && endpoints_is_out(queue->endpoints, entry->urls[chosen]) &&
        others_are_well(queue, entry, (size_t)chosen))
        return UPLOAD_TICKET_WAITS;
    return chosen;
}

/* True: the ticket has a place. */
static bool take_place(struct upload_ticket *ticket)
{
    struct upload_queue *queue = ticket->queue;
    int chosen = choose(queue, &ticket->entry);
    if (chosen < 0)
        return false;
    ticket->row = find_or_add(queue, ticket->entry.urls[chosen]);
    if (!ticket->row)
        return false; /* no memory: it waits for the next chance */
    ticket->row->uploads++;
    ticket->endpoint = chosen;
    ticket->limited = queue->limit > 0;
    return true;
}

/* What one ticket does not get, the next one with the same endpoints does not get either. All
 * uploads between two reloads have the same list of endpoints. */
static bool take_next(struct wait_ticket *wait, void *round)
{
    struct upload_ticket *ticket = (struct upload_ticket *)wait;
    char *const **full = round;
    if (ticket->entry.urls == *full)
        return false;
    if (take_place(ticket))
        return true;
    if (ticket->entry.tried == 0)
        *full = ticket->entry.urls;
    return false;
}

static void serve_waiting(struct upload_queue *queue)
{
    char *const *full = NULL;
    wait_line_serve(&queue->line, take_next, (void *)&full);
}

void upload_queue_limit(struct upload_queue *queue, unsigned per_endpoint)
{
    pthread_mutex_lock(&queue->line.lock);
    queue->limit = per_endpoint;
    serve_waiting(queue);
    pthread_mutex_unlock(&queue->line.lock);
}

size_t upload_queue_length(struct upload_queue *queue)
{
    if (!queue)
        return 0;
    pthread_mutex_lock(&queue->line.lock);
    size_t length = queue->line.length;
    pthread_mutex_unlock(&queue->line.lock);
    return length;
}

/* --- tickets --------------------------------------------------------------------------- */

struct upload_ticket *upload_queue_enter(struct upload_queue *queue,
                                         const struct upload_queue_entry *entry)
{
    struct upload_ticket *ticket = calloc(1, sizeof *ticket);
    if (!ticket)
        return NULL;
    char *const *full = NULL;
    ticket->wait.hearer = (struct wait_hearer){entry->loop, entry->wake, entry->context};
    ticket->queue = queue;
    ticket->entry = *entry;
    pthread_mutex_lock(&queue->line.lock);
    wait_line_enter(&queue->line, &ticket->wait, take_next, (void *)&full);
    pthread_mutex_unlock(&queue->line.lock);
    return ticket;
}

int upload_ticket_endpoint(struct upload_ticket *ticket)
{
    pthread_mutex_lock(&ticket->queue->line.lock);
    int endpoint = ticket->row ? ticket->endpoint : UPLOAD_TICKET_WAITS;
    pthread_mutex_unlock(&ticket->queue->line.lock);
    return endpoint;
}

bool upload_ticket_limited(const struct upload_ticket *ticket)
{
    return ticket->limited;
}

void upload_ticket_retry(struct upload_ticket *ticket)
{
    struct upload_queue *queue = ticket->queue;
    pthread_mutex_lock(&queue->line.lock);
    if (LIST_FIRST(&queue->line.waiting, struct wait_ticket, place) == &ticket->wait)
        serve_waiting(queue);
    pthread_mutex_unlock(&queue->line.lock);
}

void upload_ticket_leave(struct upload_ticket *ticket)
{
    if (!ticket)
        return;
    struct upload_queue *queue = ticket->queue;
    pthread_mutex_lock(&queue->line.lock);
    if (ticket->row)
        give_back(ticket->row);
    ticket->row = NULL;
    bool last = wait_line_leave(&queue->line, &ticket->wait);
    serve_waiting(queue);
    pthread_mutex_unlock(&queue->line.lock);
    if (last)
        free(ticket);
}
