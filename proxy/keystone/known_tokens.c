/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens that logins gave. */
#include "keystone/known_tokens.h"

#include "intake/clock.h"
#include "intake/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct row {
    struct keyed_hash credential;
    char *token; /* NULL: a login is asking for it */
    struct token_facts facts;
    uint64_t used_ms; /* clock_ms() */
};

/* Rows in use come first. */
struct known_tokens {
    pthread_mutex_t lock;
    size_t count;
    struct row rows[KNOWN_TOKENS_MAX];
};

struct known_tokens *known_tokens_new(void)
{
    struct known_tokens *all = calloc(1, sizeof *all);
    if (all)
        pthread_mutex_init(&all->lock, NULL);
    return all;
}

void known_tokens_free(struct known_tokens *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->count; i++)
        secret_free(all->rows[i].token);
    pthread_mutex_destroy(&all->lock);
    secret_free(all);
}

static struct row *find(struct known_tokens *all, const struct keyed_hash *credential)
{
    for (size_t i = 0; i < all->count; i++)
        if (keyed_hash_equal(&all->rows[i].credential, credential))
            return &all->rows[i];
    return NULL;
}

/* The last row takes its place. */
static void remove_row(struct known_tokens *all, struct row *row)
{
    secret_free(row->token);
    *row = all->rows[--all->count];
    all->rows[all->count] = (struct row){0};
}

static bool is_fresh(const struct row *row)
{
    return row->facts.expires_ms > clock_wall_ms() + KNOWN_TOKEN_MARGIN_MS;
}

/* Makes room for one more row. Expired tokens go first, then the one that was not used longest. */
static void make_room(struct known_tokens *all)
{
    struct row *oldest = NULL;
    for (size_t i = all->count; i-- > 0;) {
        struct row *row = &all->rows[i];
        if (row->token && !is_fresh(row))
            remove_row(all, row);
    }
    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].token && (!oldest || all->rows[i].used_ms < oldest->used_ms))
            oldest = &all->rows[i];
    if (all->count == KNOWN_TOKENS_MAX && oldest)
        remove_row(all, oldest);
}

/* Without room the login asks for itself alone, and nothing is remembered. */
static void add_asked(struct known_tokens *all, const struct keyed_hash *credential)
{
    make_room(all);
    if (all->count < KNOWN_TOKENS_MAX)
        all->rows[all->count++] = (struct row){.credential = *credential};
}

static enum known_state take(struct row *row, char **token, struct token_facts *facts)
{
    *token = strdup(row->token);
    *facts = row->facts;
    row->used_ms = clock_ms();
    return *token ? KNOWN_TOKEN : KNOWN_NO_MEMORY;
}

static enum known_state begin(struct known_tokens *all, const struct keyed_hash *credential,
                              char **token, struct token_facts *facts)
{
    struct row *row = find(all, credential);
    if (row && row->token && is_fresh(row))
        return take(row, token, facts);
    if (row && !row->token)
        return KNOWN_ASKED;
    if (row)
        remove_row(all, row);
    add_asked(all, credential);
    return KNOWN_NOTHING;
}

enum known_state known_tokens_begin(struct known_tokens *all, const struct keyed_hash *credential,
                                    char **token, struct token_facts *facts)
{
    pthread_mutex_lock(&all->lock);
    enum known_state state = begin(all, credential, token, facts);
    pthread_mutex_unlock(&all->lock);
    return state;
}

void known_tokens_end(struct known_tokens *all, const struct keyed_hash *credential,
                      const char *token, const struct token_facts *facts)
{
    pthread_mutex_lock(&all->lock);
    struct row *row = find(all, credential);
    if (row && !row->token) {
        row->token = token ? strdup(token) : NULL;
        row->used_ms = clock_ms();
        if (row->token)
            row->facts = *facts;
        else
            remove_row(all, row);
    }
    pthread_mutex_unlock(&all->lock);
}

void known_tokens_drop(struct known_tokens *all, const struct keyed_hash *credential,
                       const char *token)
{
    pthread_mutex_lock(&all->lock);
    struct row *row = find(all, credential);
    if (row && row->token && (!token || strcmp(row->token, token) == 0))
        remove_row(all, row);
    pthread_mutex_unlock(&all->lock);
}
