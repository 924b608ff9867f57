/* SPDX-License-Identifier: Apache-2.0 */
/* Slows down logins after failed ones. */
#include "keystone/throttle.h"

#include "intake/clock.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

struct row {
    struct keyed_hash key;
    unsigned failures;
    unsigned running;   /* attempts under way */
    uint64_t failed_ms; /* clock_ms() of the last failure; 0: there was none */
};

struct rule {
    unsigned free;
    uint64_t first_ms, most_ms, forget_ms;
};

/* Rows in use come first. */
struct table {
    size_t count;
    struct row rows[THROTTLE_ROWS];
};

struct throttle {
    pthread_mutex_t lock;
    struct table addresses, users;
};

static const struct rule OF_ADDRESSES = {THROTTLE_ADDRESS_FREE, THROTTLE_ADDRESS_FIRST_MS,
                                         THROTTLE_ADDRESS_MOST_MS, THROTTLE_ADDRESS_FORGET_MS};
static const struct rule OF_USERS = {THROTTLE_USER_FREE, THROTTLE_USER_FIRST_MS,
                                     THROTTLE_USER_MOST_MS, THROTTLE_USER_FORGET_MS};

struct throttle *throttle_new(void)
{
    struct throttle *throttle = calloc(1, sizeof *throttle);
    if (throttle)
        pthread_mutex_init(&throttle->lock, NULL);
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    if (!throttle)
        return;
    pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

/* --- who it is --------------------------------------------------------------------------- */

/* Writes the address, or the /64 of an IPv6 address. */
static void write_network(const char *address, char out[INET6_ADDRSTRLEN])
{
    struct in6_addr v6;
    out[0] = '\0';
    if (inet_pton(AF_INET6, address, &v6) != 1) {
        strncat(out, address, INET6_ADDRSTRLEN - 1);
        return;
    }
    memset(v6.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &v6, out, INET6_ADDRSTRLEN);
}

/* What is the same in any collation of a database. */
static void fold(char *name)
{
    char *to = name;
    for (const char *from = name; *from; from++)
        if (isascii((unsigned char)*from) && *from != ' ')
            *to++ = (char)tolower((unsigned char)*from);
    *to = '\0';
}

bool throttle_caller_of(const struct hash_key *key, const char *address, const char *user,
                        struct throttle_caller *out)
{
    char network[INET6_ADDRSTRLEN];
    char *folded = strdup(user);
    if (!folded)
        return false;
    write_network(address, network);
    fold(folded);
    const char *const address_texts[] = {"address", network};
    const char *const user_texts[] = {"user", folded};
    bool good = keyed_hash(key, address_texts, 2, &out->address) &&
                keyed_hash(key, user_texts, 2, &out->user);
    free(folded);
    return good;
}

/* --- rows -------------------------------------------------------------------------------- */

static struct row *find(struct table *table, const struct keyed_hash *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (memcmp(&table->rows[i].key, key, sizeof *key) == 0)
            return &table->rows[i];
    return NULL;
}

/* The row of those without an attempt under way that failed longest ago. NULL: all have one. */
static struct row *oldest(struct table *table)
{
    struct row *found = NULL;
    for (size_t i = 0; i < table->count; i++)
        if (!table->rows[i].running && (!found || table->rows[i].failed_ms < found->failed_ms))
            found = &table->rows[i];
    return found;
}

/* NULL: there are as many attempts under way as rows. */
static struct row *row_of(struct table *table, const struct keyed_hash *key)
{
    struct row *row = find(table, key);
    if (row)
        return row;
    row = table->count < THROTTLE_ROWS ? &table->rows[table->count++] : oldest(table);
    if (row)
        *row = (struct row){.key = *key};
    return row;
}

static void forget_old(struct row *row, const struct rule *rule, uint64_t now)
{
    if (row->failures && now - row->failed_ms >= rule->forget_ms)
        row->failures = 0;
}

/* How long after its last failure the row must wait. */
static uint64_t delay_of(const struct row *row, const struct rule *rule)
{
    if (row->failures < rule->free)
        return 0;
    unsigned doublings = MIN(row->failures - rule->free, 16U);
    return MIN(rule->first_ms << doublings, rule->most_ms);
}

/* No row: there are more attempts under way than rows. */
static enum throttle_verdict judge(struct row *row, const struct rule *rule, uint64_t *retry_ms)
{
    if (!row)
        return THROTTLE_WAIT;
    uint64_t now = clock_ms();
    forget_old(row, rule, now);
    uint64_t due = row->failures ? row->failed_ms + delay_of(row, rule) : 0;
    if (now < due) {
        *retry_ms = due - now;
        return THROTTLE_REFUSE;
    }
    bool may_be_too_many = row->running && row->failures + row->running >= rule->free;
    return may_be_too_many ? THROTTLE_WAIT : THROTTLE_GO;
}

/* --- attempts ---------------------------------------------------------------------------- */

/* A refused address makes no row for its user. */
static enum throttle_verdict begin(struct throttle *throttle, const struct throttle_caller *caller,
                                   uint64_t *retry_ms)
{
    struct row *address = row_of(&throttle->addresses, &caller->address);
    enum throttle_verdict verdict = judge(address, &OF_ADDRESSES, retry_ms);
    if (verdict != THROTTLE_GO)
        return verdict;
    struct row *user = row_of(&throttle->users, &caller->user);
    verdict = judge(user, &OF_USERS, retry_ms);
    if (verdict != THROTTLE_GO)
        return verdict;
    address->running++;
    user->running++;
    return THROTTLE_GO;
}

enum throttle_verdict throttle_begin(struct throttle *throttle,
                                     const struct throttle_caller *caller, uint64_t *retry_ms)
{
    *retry_ms = 0;
    pthread_mutex_lock(&throttle->lock);
    enum throttle_verdict verdict = begin(throttle, caller, retry_ms);
    pthread_mutex_unlock(&throttle->lock);
    return verdict;
}

static void settle(struct table *table, const struct keyed_hash *key, bool failed, bool anew)
{
    struct row *row = find(table, key); /* it exists while an attempt is under way */
    if (!row || !row->running)
        return;
    row->running--;
    if (anew)
        row->failures = 0;
    if (!failed)
        return;
    row->failures++;
    row->failed_ms = clock_ms();
}

void throttle_end(struct throttle *throttle, const struct throttle_caller *caller,
                  enum throttle_outcome outcome)
{
    bool bad = outcome == THROTTLE_BAD;
    pthread_mutex_lock(&throttle->lock);
    settle(&throttle->addresses, &caller->address, bad, false);
    settle(&throttle->users, &caller->user, bad, outcome == THROTTLE_GOOD);
    pthread_mutex_unlock(&throttle->lock);
}
