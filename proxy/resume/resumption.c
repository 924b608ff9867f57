/* SPDX-License-Identifier: Apache-2.0 */
/* A resumption: the pair of sockets, and the outcome, under one lock. */
#include "intake/resumption.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct resumption {
    pthread_mutex_t lock;
    unsigned references;
    uint64_t offset, count;
    int socket; /* the upload's; -1: closed */
    struct headers fields;
    struct resumption_outcome outcome;
};

struct resumption *resumption_new(uint64_t offset, uint64_t count, struct headers *fields,
                                  int *client_end)
{
    int ends[2];
    struct resumption *resumption = calloc(1, sizeof *resumption);
    if (!resumption)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        free(resumption);
        return NULL;
    }
    pthread_mutex_init(&resumption->lock, NULL);
    resumption->references = 1;
    resumption->offset = offset;
    resumption->count = count;
    resumption->socket = ends[0];
    *client_end = ends[1];
    resumption->fields = *fields;
    *fields = (struct headers){0};
    reply_init(&resumption->outcome.reply);
    return resumption;
}

struct resumption *resumption_hold(struct resumption *resumption)
{
    pthread_mutex_lock(&resumption->lock);
    resumption->references++;
    pthread_mutex_unlock(&resumption->lock);
    return resumption;
}

void resumption_release(struct resumption *resumption)
{
    if (!resumption)
        return;
    pthread_mutex_lock(&resumption->lock);
    bool last = --resumption->references == 0;
    pthread_mutex_unlock(&resumption->lock);
    if (!last)
        return;
    if (resumption->socket >= 0)
        close(resumption->socket);
    headers_free(&resumption->fields);
    reply_free(&resumption->outcome.reply);
    pthread_mutex_destroy(&resumption->lock);
    free(resumption);
}

uint64_t resumption_offset(const struct resumption *resumption)
{
    return resumption->offset;
}

uint64_t resumption_count(const struct resumption *resumption)
{
    return resumption->count;
}

int resumption_socket(const struct resumption *resumption)
{
    return resumption->socket;
}

void resumption_take_fields(struct resumption *resumption, struct headers *fields)
{
    struct headers old = *fields;
    *fields = resumption->fields;
    resumption->fields = old;
}

/* --- the outcome --------------------------------------------------------------------------- */

static void set_outcome(struct resumption *resumption, const struct resumption_outcome *outcome)
{
    pthread_mutex_lock(&resumption->lock);
    resumption->outcome = *outcome;
    int socket = resumption->socket;
    resumption->socket = -1;
    pthread_mutex_unlock(&resumption->lock);
    if (socket >= 0)
        close(socket);
}

/* Only the upload's side calls this, so the socket tells whether there was an outcome. */
void resumption_end(struct resumption *resumption, enum resumption_result result,
                    struct reply *reply, uint64_t offset)
{
    struct resumption_outcome outcome = {.result = result, .offset = offset};
    if (resumption->socket < 0)
        return;
    reply_init(&outcome.reply);
    if (reply) {
        outcome.reply = *reply;
        reply_init(reply);
    }
    set_outcome(resumption, &outcome);
}

void resumption_refuse(struct resumption *resumption, enum refusal reason, const char *detail,
                       uint64_t offset)
{
    struct resumption_outcome outcome = {
        .result = RESUMPTION_REFUSED, .reason = reason, .offset = offset};
    if (resumption->socket < 0)
        return;
    reply_init(&outcome.reply);
    snprintf(outcome.detail, sizeof outcome.detail, "%s", detail);
    set_outcome(resumption, &outcome);
}

void resumption_outcome(struct resumption *resumption, struct resumption_outcome *out)
{
    pthread_mutex_lock(&resumption->lock);
    *out = resumption->outcome;
    reply_init(&resumption->outcome.reply);
    pthread_mutex_unlock(&resumption->lock);
}
