/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the answers about projects' usage. One lock protects everything: an upload takes it a few
 * times, for as long as it takes to find one of some thousand names. */
#include "capacity/usage_answers_priv.h"

#include "intake/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the whole ------------------------------------------------------------------------------- */

struct usage_answers *usage_answers_new(void)
{
    struct usage_answers *all = calloc(1, sizeof *all);
    if (all)
        pthread_mutex_init(&all->lock, NULL);
    return all;
}

void usage_answers_free(struct usage_answers *all)
{
    if (!all)
        return;
    usage_answers_forget(all);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

uint64_t usage_answers_latest(struct usage_answers *all)
{
    pthread_mutex_lock(&all->lock);
    uint64_t latest = all->questions;
    pthread_mutex_unlock(&all->lock);
    return latest;
}

/* --- questions ----------------------------------------------------------------------------- */

uint64_t usage_account_begin(struct usage_account *account, uint64_t mark)
{
    struct usage_answers *all = account->all;
    uint64_t number = 0;
    pthread_mutex_lock(&all->lock);
    if (!account->asking.number) {
        number = ++all->questions;
        account->asking = (struct question){.number = number,
                                            .mark = mark,
                                            .began_ms = clock_ms(),
                                            .uploads_ended = account->uploads_ended};
    }
    pthread_mutex_unlock(&all->lock);
    return number;
}

/* The caller holds the lock, so that a listener that has left is not told. */
static void tell_listeners(struct usage_answers *all)
{
    LIST_EACH(listener, &all->listeners, struct usage_listener, place) {
        if (!listener->told)
            task_send(listener->loop, &listener->task);
        listener->told = true;
    }
}

void usage_account_end(struct usage_account *account, const struct usage *usage, const char *fault)
{
    struct usage_answers *all = account->all;
    pthread_mutex_lock(&all->lock);
    if (usage) {
        account->answered = account->asking;
        account->usage = *usage;
    }
    snprintf(account->fault, sizeof account->fault, "%s", usage ? "" : fault);
    account->asking = (struct question){0};
    tell_listeners(all);
    pthread_mutex_unlock(&all->lock);
}

bool usage_account_is_asked(struct usage_account *account)
{
    pthread_mutex_lock(&account->all->lock);
    bool asked = account->asking.number != 0;
    pthread_mutex_unlock(&account->all->lock);
    return asked;
}

void usage_account_look(struct usage_account *account, struct usage_answer *out,
                        char fault[USAGE_FAULT_MAX])
{
    pthread_mutex_lock(&account->all->lock);
    const struct question *answered = &account->answered;
    *out = (struct usage_answer){.number = answered->number,
                                 .mark = answered->mark,
                                 .age_ms = clock_ms() - answered->began_ms,
                                 .uploads = account->uploads_begun - answered->uploads_ended,
                                 .uploads_now = account->uploads_begun - account->uploads_ended,
                                 .usage = account->usage};
    if (fault)
        memcpy(fault, account->fault, sizeof account->fault);
    pthread_mutex_unlock(&account->all->lock);
}

static void count(struct usage_account *account, uint64_t *counter)
{
    pthread_mutex_lock(&account->all->lock);
    ++*counter;
    pthread_mutex_unlock(&account->all->lock);
}

void usage_account_upload(struct usage_account *account)
{
    count(account, &account->uploads_begun);
}

void usage_account_uploaded(struct usage_account *account)
{
    count(account, &account->uploads_ended);
}

/* --- listeners ----------------------------------------------------------------------------- */

void usage_listener_begin(struct usage_answers *all, struct usage_listener *listener)
{
    pthread_mutex_lock(&all->lock);
    list_append(&all->listeners, &listener->place);
    pthread_mutex_unlock(&all->lock);
}

void usage_listener_heard(struct usage_answers *all, struct usage_listener *listener)
{
    pthread_mutex_lock(&all->lock);
    listener->told = false;
    pthread_mutex_unlock(&all->lock);
}

/* A task that was sent cannot be taken back: it is run here. */
void usage_listener_end(struct usage_answers *all, struct usage_listener *listener)
{
    pthread_mutex_lock(&all->lock);
    list_remove(&listener->place);
    bool told = listener->told;
    pthread_mutex_unlock(&all->lock);
    if (told)
        loop_run_sent(listener->loop);
}
