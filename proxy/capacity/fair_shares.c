/* SPDX-License-Identifier: Apache-2.0 */
/* One line of tickets, and a tree of shares: one for each limit, rule, and project or client that
 * has uploads. A ticket refers to its shares also while it waits, so that a reload reaches them. */
#include "intake/fair_shares.h"

#include "capacity/token_bucket.h"
#include "capacity/wait_line.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

struct share {
    enum policy_limit kind;
    char *rule;  /* NULL: the limit is that of the whole policy */
    char *owner; /* project or client */
    uint64_t limit;
    size_t tickets; /* that refer to it */
    size_t uploads; /* that have a share of it */
    struct token_bucket bucket;
};

struct share_ticket {
    struct wait_ticket wait;
    struct fair_shares *all;
    struct share *shares[POLICY_LIMIT_COUNT]; /* NULL: there is no such limit */
    bool begun;                               /* it has asked for its first bytes */
    uint64_t next_us; /* it may read from this time on; in clock_ms() time */
};

struct fair_shares {
    struct wait_line line;       /* its lock protects all members below, and the tickets */
    void *tree;                  /* of tsearch() */
    const struct policy *policy; /* in force; borrowed. NULL: each entry has its own limits */
};

struct fair_shares *fair_shares_new(void)
{
    struct fair_shares *all = calloc(1, sizeof *all);
    if (all)
        wait_line_begin(&all->line);
    return all;
}

void fair_shares_free(struct fair_shares *all)
{
    if (!all)
        return;
    wait_line_end(&all->line);
    free(all);
}

/* --- the tree: the caller holds the lock ------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    const struct share *a = left;
    const struct share *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (!a->rule != !b->rule)
        return a->rule ? 1 : -1;
    int order = a->rule ? strcmp(a->rule, b->rule) : 0;
    return order ? order : strcmp(a->owner, b->owner);
}

static void share_free(struct share *share)
{
    free(share->rule);
    free(share->owner);
    free(share);
}

static struct share *find(struct fair_shares *all, const struct share *key)
{
    struct share *const *found = tfind(key, &all->tree, compare);
    return found ? *found : NULL;
}

/* NULL: no memory. */
static struct share *add(struct fair_shares *all, const struct share *key)
{
    struct share *share = malloc(sizeof *share);
    if (!share)
        return NULL;
    *share = *key;
    share->owner = strdup(key->owner);
    share->rule = key->rule ? strdup(key->rule) : NULL;
    if (share->owner && (share->rule || !key->rule) && tsearch(share, &all->tree, compare))
        return share;
    share_free(share);
    return NULL;
}

static void refer_no_more(struct fair_shares *all, struct share *share)
{
    if (!share || --share->tickets > 0)
        return;
    tdelete(share, &all->tree, compare);
    share_free(share);
}

/* --- tickets: the caller holds the lock ------------------------------------------------- */

/* The policy in force sets the limit: that of the entry may be older. */
static uint64_t limit_of(const struct fair_shares *all, const struct share *key)
{
    return all->policy ? policy_limit_of(all->policy, key->rule, key->kind) : key->limit;
}

/* False: no memory. */
static bool refer(struct share_ticket *ticket, enum policy_limit kind,
                  const struct share_entry *entry)
{
    bool by_client = kind == POLICY_LIMIT_UPLOADS_PER_CLIENT;
    struct share key = {.kind = kind,
                        .rule = (char *)entry->limits[kind].rule,
                        .owner = (char *)(by_client ? entry->client : entry->project),
                        .limit = entry->limits[kind].limit};
    struct share *share = find(ticket->all, &key);
    key.limit = limit_of(ticket->all, &key);
    if (!share)
        share = add(ticket->all, &key);
    ticket->shares[kind] = share;
    if (share)
        share->tickets++;
    return share != NULL;
}

static bool is_full(const struct share *share)
{
    return share && share->kind != POLICY_LIMIT_RATE && share->limit &&
           share->uploads >= share->limit;
}

static bool take(struct wait_ticket *wait, void *round)
{
    (void)round;
    struct share_ticket *ticket = (struct share_ticket *)wait;
    for (size_t i = 0; i < POLICY_LIMIT_COUNT; i++)
        if (is_full(ticket->shares[i]))
            return false;
    for (size_t i = 0; i < POLICY_LIMIT_COUNT; i++)
        if (ticket->shares[i])
            ticket->shares[i]->uploads++;
    return true;
}

static bool enter(struct share_ticket *ticket, const struct share_entry *entry)
{
    for (enum policy_limit i = 0; i < POLICY_LIMIT_COUNT; i++)
        if (entry->limits[i].limit && !refer(ticket, i, entry))
            return false;
    wait_line_enter(&ticket->all->line, &ticket->wait, take, NULL);
    return true;
}

static void give_back(struct share_ticket *ticket)
{
    bool served = !wait_ticket_waits(&ticket->wait);
    for (size_t i = 0; i < POLICY_LIMIT_COUNT; i++) {
        if (ticket->shares[i] && served)
            ticket->shares[i]->uploads--;
        refer_no_more(ticket->all, ticket->shares[i]);
        ticket->shares[i] = NULL;
    }
}

/* --- the outside ------------------------------------------------------------------------ */

struct share_ticket *fair_shares_enter(struct fair_shares *all, const struct share_entry *entry)
{
    struct share_ticket *ticket = calloc(1, sizeof *ticket);
    if (!ticket)
        return NULL;
    ticket->all = all;
    ticket->wait.hearer = (struct wait_hearer){entry->loop, entry->wake, entry->context};
    pthread_mutex_lock(&all->line.lock);
    bool entered = enter(ticket, entry);
    for (size_t i = 0; i < POLICY_LIMIT_COUNT && !entered; i++)
        refer_no_more(all, ticket->shares[i]);
    pthread_mutex_unlock(&all->line.lock);
    if (entered)
        return ticket;
    free(ticket);
    return NULL;
}

bool share_waits(struct share_ticket *ticket)
{
    pthread_mutex_lock(&ticket->all->line.lock);
    bool waits = wait_ticket_waits(&ticket->wait);
    pthread_mutex_unlock(&ticket->all->line.lock);
    return waits;
}

void share_leave(struct share_ticket *ticket)
{
    if (!ticket)
        return;
    struct fair_shares *all = ticket->all;
    pthread_mutex_lock(&all->line.lock);
    give_back(ticket);
    bool last = wait_line_leave(&all->line, &ticket->wait);
    wait_line_serve(&all->line, take, NULL);
    pthread_mutex_unlock(&all->line.lock);
    if (last)
        free(ticket);
}

size_t fair_shares_waiting(struct fair_shares *all)
{
    if (!all)
        return 0;
    pthread_mutex_lock(&all->line.lock);
    size_t length = all->line.length;
    pthread_mutex_unlock(&all->line.lock);
    return length;
}

/* --- the rate --------------------------------------------------------------------------- */

/* The caller holds the lock. */
static size_t room_of(struct share_ticket *ticket, struct share *share, size_t room,
                      uint64_t now_ms, uint64_t *wait_ms)
{
    if (!share || !share->limit)
        return room;
    if (!ticket->begun)
        ticket->next_us = token_bucket_begin(&share->bucket);
    ticket->begun = true;
    if (ticket->next_us <= now_ms * 1000)
        return MIN(room, token_bucket_block(share->limit));
    *wait_ms = ticket->next_us / 1000 - now_ms + 1;
    return 0;
}

size_t share_room(struct share_ticket *ticket, size_t room, uint64_t now_ms, uint64_t *wait_ms)
{
    pthread_mutex_lock(&ticket->all->line.lock);
    room = room_of(ticket, ticket->shares[POLICY_LIMIT_RATE], room, now_ms, wait_ms);
    pthread_mutex_unlock(&ticket->all->line.lock);
    return room;
}

void share_took(struct share_ticket *ticket, size_t bytes, uint64_t now_ms)
{
    pthread_mutex_lock(&ticket->all->line.lock);
    struct share *share = ticket->shares[POLICY_LIMIT_RATE];
    if (share && share->limit)
        ticket->next_us = token_bucket_charge(&share->bucket, share->limit, bytes, now_ms * 1000);
    pthread_mutex_unlock(&ticket->all->line.lock);
}

/* --- reload ------------------------------------------------------------------------------ */

/* A rate that is taken away pays for nothing any more. */
static void take_limit(const void *node, VISIT visit, void *all)
{
    struct share *share = *(struct share *const *)node;
    if (visit != postorder && visit != leaf)
        return;
    uint64_t limit = limit_of(all, share);
    if (limit != share->limit)
        share->bucket = (struct token_bucket){0};
    share->limit = limit;
}

void fair_shares_reload(struct fair_shares *all, const struct policy *policy)
{
    pthread_mutex_lock(&all->line.lock);
    all->policy = policy;
    twalk_r(all->tree, take_limit, all);
    wait_line_serve(&all->line, take, NULL);
    pthread_mutex_unlock(&all->line.lock);
}
