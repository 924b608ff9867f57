/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the account that a token belongs to.
 *
 * A name is the digest of a token, or of a confirmed project. Several names may lead to one
 * account. An account lives as long as a name leads to it or somebody has it open. */
#include "capacity/usage_answers_priv.h"

#include "intake/headers.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 32 };

struct name {
    unsigned char digest[DIGEST_MAX_BYTES]; /* the first NAME_BYTES count */
    struct usage_account *account;
    struct name *next;  /* in the bucket */
    struct list by_use; /* the latest first */
};

/* --- digests ------------------------------------------------------------------------------- */

/* The fields that Glance's authentication, or a server before it, knows the caller by. */
static bool is_credential(const char *name)
{
    return header_name_is(name, "X-Auth-Token") || header_name_is(name, "X-Storage-Token") ||
           header_name_is(name, "X-Service-Token") || header_name_is(name, "Authorization");
}

static void add_text(struct digest *digest, const char *text)
{
    digest_update(digest, text, strlen(text) + 1);
}

/* The same fields with the same values have the same digest. False: there are none, or there is no
 * memory. */
static bool digest_of_token(const struct headers *fields, unsigned char out[DIGEST_MAX_BYTES])
{
    struct digest *digest = digest_new("sha256");
    bool any = false;
    headers_each(row, fields)
        if (digest && is_credential(row->name)) {
            any = true;
            add_text(digest, row->name);
            add_text(digest, row->value);
        }
    bool good = any && digest_finish(digest, out) == NAME_BYTES;
    digest_free(digest);
    return good;
}

/* Never that of a token: a project is one text, a token has at least two. */
static bool digest_of_project(const char *project, unsigned char out[DIGEST_MAX_BYTES])
{
    struct digest *digest = digest_new("sha256");
    if (digest)
        digest_update(digest, project, strlen(project));
    bool good = digest && digest_finish(digest, out) == NAME_BYTES;
    digest_free(digest);
    return good;
}

/* --- accounts and names: the caller holds the lock ------------------------------------------- */

static struct usage_account *account_new(struct usage_answers *all)
{
    struct usage_account *account = calloc(1, sizeof *account);
    if (account)
        account->all = all;
    return account;
}

static void account_release(struct usage_account *account)
{
    if (--account->references == 0)
        free(account);
}

static struct name **bucket_of(struct usage_answers *all, const unsigned char *digest)
{
    return &all->buckets[(digest[0] | (unsigned)digest[1] << 8) % USAGE_BUCKETS];
}

static struct name *name_find(struct usage_answers *all, const unsigned char *digest)
{
    struct name *name = *bucket_of(all, digest);
    while (name && memcmp(name->digest, digest, NAME_BYTES) != 0)
        name = name->next;
    if (name) {
        list_remove(&name->by_use);
        list_insert(&all->by_use, &name->by_use);
    }
    return name;
}

static void name_drop(struct usage_answers *all, struct name *name)
{
    struct name **at = bucket_of(all, name->digest);
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    list_remove(&name->by_use);
    all->names--;
    account_release(name->account);
    free(name);
}

static void make_room(struct usage_answers *all)
{
    struct name *oldest = LIST_LAST(&all->by_use, struct name, by_use);
    if (oldest && all->names >= USAGE_NAMES_MAX)
        name_drop(all, oldest);
}

/* `account` NULL: a new one. NULL: no memory. */
static struct name *name_add(struct usage_answers *all, const unsigned char *digest,
                             struct usage_account *account)
{
    make_room(all);
    struct name *name = calloc(1, sizeof *name);
    if (name && !account)
        account = account_new(all);
    if (!name || !account) {
        free(name);
        return NULL;
    }
    account->references++;
    memcpy(name->digest, digest, NAME_BYTES);
    name->account = account;
    name->next = *bucket_of(all, digest);
    *bucket_of(all, digest) = name;
    list_insert(&all->by_use, &name->by_use);
    all->names++;
    return name;
}

static struct name *find_or_add(struct usage_answers *all, const unsigned char *digest)
{
    struct name *name = name_find(all, digest);
    return name ? name : name_add(all, digest, NULL);
}

/* --- for everybody --------------------------------------------------------------------------- */

void usage_answers_forget(struct usage_answers *all)
{
    pthread_mutex_lock(&all->lock);
    struct name *name;
    while ((name = LIST_TAKE_FIRST(&all->by_use, struct name, by_use)))
        name_drop(all, name);
    pthread_mutex_unlock(&all->lock);
}

/* What the token's own account knows is left to those who have it open. */
static void join(struct usage_answers *all, const unsigned char *token, struct usage_account *to)
{
    struct name *name = name_find(all, token);
    if (!name) {
        name_add(all, token, to);
    } else if (name->account != to) {
        account_release(name->account);
        name->account = to;
        to->references++;
    }
}

void usage_answers_confirm(struct usage_answers *all, const struct headers *fields,
                           const char *project)
{
    unsigned char token[DIGEST_MAX_BYTES], of_project[DIGEST_MAX_BYTES];
    if (!digest_of_token(fields, token) || !digest_of_project(project, of_project))
        return;
    pthread_mutex_lock(&all->lock);
    struct name *name = find_or_add(all, of_project);
    if (name)
        join(all, token, name->account);
    pthread_mutex_unlock(&all->lock);
}

struct usage_account *usage_account_open(struct usage_answers *all, const struct headers *fields)
{
    unsigned char token[DIGEST_MAX_BYTES];
    bool known = digest_of_token(fields, token);
    pthread_mutex_lock(&all->lock);
    struct name *name = known ? find_or_add(all, token) : NULL;
    struct usage_account *account = name ? name->account : account_new(all);
    if (account)
        account->references++;
    pthread_mutex_unlock(&all->lock);
    return account;
}

struct usage_account *usage_account_hold(struct usage_account *account)
{
    pthread_mutex_lock(&account->all->lock);
    account->references++;
    pthread_mutex_unlock(&account->all->lock);
    return account;
}

void usage_account_close(struct usage_account *account)
{
    if (!account)
        return;
    pthread_mutex_t *lock = &account->all->lock;
    pthread_mutex_lock(lock);
    account_release(account);
    pthread_mutex_unlock(lock);
}
