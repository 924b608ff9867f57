/* SPDX-License-Identifier: Apache-2.0 */
/* The set of endpoints, and the choice of one for a request. There is one row per endpoint, found
 * by its URL. A row outlives its place in the settings while image data is under way there, so that
 * the flows that were counted in it also end in it. */
#include "upstream/endpoints_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"

#include <stdlib.h>
#include <string.h>

/* An endpoint that refused a connection counts as out for this long, unless a health check or an
 * answer says otherwise. */
enum { REFUSED_MS = 10000 };

/* --- rows, with the lock held ----------------------------------------------------------- */

/* NULL: there is no such row. */
static struct row *find(const struct endpoints *endpoints, const char *url)
{
    struct row *row = endpoints->first;
    while (row && strcmp(row->url, url) != 0)
        row = row->next;
    return row;
}

static void free_row(struct row *row)
{
    free(row->url);
    free(row);
}

static struct row *find_or_add(struct endpoints *endpoints, const char *url)
{
    struct row *row = find(endpoints, url);
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
    row->place = ENDPOINT_NOWHERE;
    row->next = endpoints->first;
    return endpoints->first = row;
}

static void drop_unused(struct endpoints *endpoints)
{
    for (struct row **link = &endpoints->first; *link;) {
        struct row *row = *link;
        if (row->place == ENDPOINT_NOWHERE && row->flows == 0) {
            *link = row->next;
            free_row(row);
        } else {
            link = &row->next;
        }
    }
}

/* --- the set ---------------------------------------------------------------------------- */

struct endpoints *endpoints_new(void)
{
    struct endpoints *endpoints = calloc(1, sizeof *endpoints);
    if (endpoints)
        pthread_mutex_init(&endpoints->lock, NULL);
    return endpoints;
}

void endpoints_free(struct endpoints *endpoints)
{
    if (!endpoints)
        return;
    for (struct row *row = endpoints->first, *next; row; row = next) {
        next = row->next;
        free_row(row);
    }
    pthread_mutex_destroy(&endpoints->lock);
    free(endpoints);
}

bool endpoints_configure(struct endpoints *endpoints, const struct settings *settings)
{
    bool all = true;
    pthread_mutex_lock(&endpoints->lock);
    for (struct row *row = endpoints->first; row; row = row->next)
        row->place = ENDPOINT_NOWHERE;
    for (size_t i = 0; i < settings->glance.endpoint_count && i < ENDPOINTS_MAX; i++) {
        struct row *row = find_or_add(endpoints, settings->glance.endpoints[i]);
        all = all && row;
        if (row && row->place == ENDPOINT_NOWHERE) /* listed twice: the first place counts */
            row->place = i;
    }
    drop_unused(endpoints);
    pthread_mutex_unlock(&endpoints->lock);
    return all;
}

/* --- where a request goes --------------------------------------------------------------- */

/* A lower rank is preferred. */
enum { RANK_UP, RANK_BUSY, RANK_OUT };

static int rank(const struct endpoints *endpoints, const char *url, uint64_t now)
{
    const struct row *row = find(endpoints, url);
    if (!row)
        return RANK_UP;
    if (row->state == ENDPOINT_OUT || row->refused_until > now)
        return RANK_OUT;
    return row->state == ENDPOINT_BUSY ? RANK_BUSY : RANK_UP;
}

/* The best endpoint that is not in `tried`. Among equals it is the first one, counted from
 * `turn`. */
static int best_of(const struct endpoints *endpoints, char *const *urls, size_t count,
                   unsigned tried, size_t turn)
{
    uint64_t now = clock_ms();
    int best = -1;
    int best_rank = 0;
    for (size_t i = 0; i < count; i++) {
        size_t place = (turn + i) % count;
        if (tried & 1U << place)
            continue;
        int own = rank(endpoints, urls[place], now);
        if (best < 0 || own < best_rank) {
            best = (int)place;
            best_rank = own;
        }
    }
    return best;
}

static bool is_as_good(const struct endpoints *endpoints, char *const *urls, unsigned tried,
                       int preferred, int chosen)
{
    uint64_t now = clock_ms();
    return preferred >= 0 && !(tried & 1U << preferred) &&
           rank(endpoints, urls[preferred], now) <= rank(endpoints, urls[chosen], now);
}

static int first_untried(size_t count, unsigned tried)
{
    for (size_t i = 0; i < count; i++)
        if (!(tried & 1U << i))
            return (int)i;
    return -1;
}

/* The turn moves to the endpoint after the chosen one. If it only counted up, the neighbour of an
 * endpoint that is out would get the turns of both. */
int endpoints_choose(struct endpoints *endpoints, char *const *urls, size_t count, unsigned tried,
                     enum endpoint_turn turn, int preferred)
{
    if (count > ENDPOINTS_MAX)
        count = ENDPOINTS_MAX;
    if (!endpoints || count <= 1)
        return first_untried(count, tried);
    pthread_mutex_lock(&endpoints->lock);
    int chosen = best_of(endpoints, urls, count, tried, endpoints->turns[turn] % count);
    if (chosen >= 0 && is_as_good(endpoints, urls, tried, preferred, chosen))
        chosen = preferred;
    else if (chosen >= 0)
        endpoints->turns[turn] = (unsigned)chosen + 1;
    pthread_mutex_unlock(&endpoints->lock);
    return chosen;
}

bool endpoints_is_out(struct endpoints *endpoints, const char *url)
{
    if (!endpoints)
        return false;
    pthread_mutex_lock(&endpoints->lock);
    bool out = rank(endpoints, url, clock_ms()) == RANK_OUT;
    pthread_mutex_unlock(&endpoints->lock);
    return out;
}

struct row *endpoints_lock_row(struct endpoints *endpoints, const char *url)
{
    pthread_mutex_lock(&endpoints->lock);
    return find(endpoints, url);
}

static void refuse_until(struct endpoints *endpoints, const char *url, uint64_t until)
{
    if (!endpoints)
        return;
    struct row *row = endpoints_lock_row(endpoints, url);
    if (row)
        row->refused_until = until;
    pthread_mutex_unlock(&endpoints->lock);
}

void endpoints_refused(struct endpoints *endpoints, const char *url)
{
    refuse_until(endpoints, url, clock_ms() + REFUSED_MS);
}

void endpoints_answered(struct endpoints *endpoints, const char *url)
{
    refuse_until(endpoints, url, 0);
}

bool endpoints_flow_begins(struct endpoints *endpoints, const char *url)
{
    if (!endpoints)
        return false;
    pthread_mutex_lock(&endpoints->lock);
    struct row *row = find_or_add(endpoints, url);
    if (row) {
        row->flows++;
        row->flowed = true;
    }
    pthread_mutex_unlock(&endpoints->lock);
    return row != NULL;
}

void endpoints_flow_ends(struct endpoints *endpoints, const char *url)
{
    struct row *row = endpoints_lock_row(endpoints, url);
    if (row)
        row->flows--;
    drop_unused(endpoints);
    pthread_mutex_unlock(&endpoints->lock);
}
