/* SPDX-License-Identifier: Apache-2.0 */
#include "capacity/wait_line.h"

#include <stdlib.h>

void wait_line_begin(struct wait_line *line)
{
    pthread_mutex_init(&line->lock, NULL);
}

void wait_line_end(struct wait_line *line)
{
    pthread_mutex_destroy(&line->lock);
}

static void tell_served(struct task *task)
{
    struct wait_ticket *ticket = CONTAINER_OF(task, struct wait_ticket, served);
    pthread_mutex_lock(&ticket->line->lock);
    ticket->sent = false;
    bool left = ticket->left;
    pthread_mutex_unlock(&ticket->line->lock);
    if (left)
        free(ticket);
    else
        ticket->hearer.wake(ticket->hearer.context);
}

static void take_out(struct wait_line *line, struct wait_ticket *ticket)
{
    list_remove(&ticket->place);
    line->length--;
}

void wait_line_serve(struct wait_line *line, wait_line_take *take, void *round)
{
    struct wait_ticket *next;
    for (struct wait_ticket *ticket = LIST_FIRST(&line->waiting, struct wait_ticket, place); ticket;
         ticket = next) {
        next = LIST_NEXT(ticket, &line->waiting, struct wait_ticket, place);
        if (!take(ticket, round))
            continue;
        take_out(line, ticket);
        ticket->sent = true;
        task_send(ticket->hearer.loop, &ticket->served);
    }
}

void wait_line_enter(struct wait_line *line, struct wait_ticket *ticket, wait_line_take *take,
                     void *round)
{
    ticket->line = line;
    ticket->served.run = tell_served;
    wait_line_serve(line, take, round);
    if (take(ticket, round))
        return;
    list_append(&line->waiting, &ticket->place);
    line->length++;
}

bool wait_line_leave(struct wait_line *line, struct wait_ticket *ticket)
{
    if (wait_ticket_waits(ticket))
        take_out(line, ticket);
    ticket->left = true;
    return !ticket->sent;
}
