/* SPDX-License-Identifier: Apache-2.0 */
/* A line of tickets that wait for something, in order, over all workers. For upload_queue.c and
 * fair_shares.c, which know what a ticket needs.
 *
 *     wait_line_enter() --+-> served ---> wait_line_leave()
 *                         +-> waits -^--->
 *
 * A ticket that is served after a wait is told so in its own loop's thread. */
#ifndef CAPACITY_WAIT_LINE_H
#define CAPACITY_WAIT_LINE_H

#include "intake/list.h"
#include "intake/loop.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise, then wait_line_begin(). */
struct wait_line {
    pthread_mutex_t lock; /* protects the members below, the tickets, and what they wait for */
    struct list waiting;
    size_t length;
};

/* Who is told. `loop` and `context` are borrowed until the ticket has left. */
struct wait_hearer {
    struct loop *loop;
    void (*wake)(void *context); /* called in the loop's thread */
    void *context;
};

/* The first member of a ticket that was allocated with calloc(). */
struct wait_ticket {
    struct wait_line *line;
    struct wait_hearer hearer;
    struct task served; /* sent to the loop when it is served after a wait */
    bool sent;          /* the task is on its way; it frees the ticket if that has left meanwhile */
    bool left;          /* only while the task is on its way */
    struct list place;  /* in the line, while it waits */
};

void wait_line_begin(struct wait_line *line);
void wait_line_end(struct wait_line *line);

/* --- the caller holds the lock ---------------------------------------------------------- */

/* Takes what the ticket needs. False: it has to wait. `round` is the caller's, for one walk. */
typedef bool wait_line_take(struct wait_ticket *ticket, void *round);

/* `take` is called for those that wait, and then for this ticket: it overtakes nobody who waits for
 * the same. */
void wait_line_enter(struct wait_line *line, struct wait_ticket *ticket, wait_line_take *take,
                     void *round);

/* Offers what may have become free to all that wait, in their order. */
void wait_line_serve(struct wait_line *line, wait_line_take *take, void *round);

static inline bool wait_ticket_waits(const struct wait_ticket *ticket)
{
    return list_is_linked(&ticket->place);
}

/* Takes the ticket out of the line if it waits. It is not told any more. True: the caller frees it,
 * without the lock. False: it is freed when its task has run. */
bool wait_line_leave(struct wait_line *line, struct wait_ticket *ticket);

#endif
