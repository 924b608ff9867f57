/* SPDX-License-Identifier: Apache-2.0 */
/* The state of an endpoint, from the results of its health checks. */
#include "upstream/endpoints_priv.h"

#include "intake/clock.h"
#include "intake/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS = 2 /* in a row that change a state */ };

const char *endpoint_state_text(enum endpoint_state state)
{
    static const char *const TEXTS[] = {"unknown", "up", "busy", "out"};
    return TEXTS[state];
}

void endpoints_check_begins(struct endpoints *endpoints, const char *url)
{
    struct row *row = endpoints_lock_row(endpoints, url);
    if (row) {
        row->flowed = row->flows > 0;
        row->check_began = clock_ms();
    }
    pthread_mutex_unlock(&endpoints->lock);
}

static void enter(struct row *row, enum endpoint_state state)
{
    bool news = row->state != state && !(row->state == ENDPOINT_UNKNOWN && state == ENDPOINT_UP);
    row->state = state;
    row->contradictions = 0;
    if (!news)
        return;
    if (state == ENDPOINT_UP)
        log_say(LOG_LEVEL_INFO, "Glance at %s is well again", row->url);
    else
        log_say(state == ENDPOINT_OUT ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s: it is %s",
                row->why, endpoint_state_text(state));
}

static enum endpoint_state state_from(const struct row *row, enum endpoint_health health)
{
    if (health == HEALTH_WELL)
        return ENDPOINT_UP;
    return health == HEALTH_SILENT && row->flowed ? ENDPOINT_BUSY : ENDPOINT_OUT;
}

/* Two checks in a row have to agree before an endpoint goes out, or comes up again from out. The
 * first check of all decides alone. Busy is no failure: it begins and ends with one check. */
static void consider(struct row *row, enum endpoint_state result)
{
    bool doubtful = (row->state == ENDPOINT_UP && result == ENDPOINT_OUT) ||
                    (row->state == ENDPOINT_BUSY && result == ENDPOINT_OUT) ||
                    (row->state == ENDPOINT_OUT && result == ENDPOINT_UP);
    if (!doubtful || ++row->contradictions >= CHECKS)
        enter(row, result);
}

void endpoints_checked(struct endpoints *endpoints, const char *url, enum endpoint_health health,
                       const char *why)
{
    if (health == HEALTH_UNASKED)
        return;
    struct row *row = endpoints_lock_row(endpoints, url);
    if (row) {
        enum endpoint_state result = state_from(row, health);
        row->checks[health]++;
        row->check_ms = clock_ms() - row->check_began;
        if (result == ENDPOINT_UP)
            row->refused_until = 0;
        else
            snprintf(row->why, sizeof row->why, "%s", why);
        consider(row, result);
    }
    pthread_mutex_unlock(&endpoints->lock);
}

/* --- the current states ----------------------------------------------------------------- */

/* Without health checks only refused connections of requests are known. */
static enum endpoint_state shown_state(const struct row *row)
{
    bool refused = row->refused_until > clock_ms();
    return row->state == ENDPOINT_UNKNOWN && refused ? ENDPOINT_OUT : row->state;
}

static void show(const struct row *row, struct endpoint_view *view)
{
    *view = (struct endpoint_view){.url = strdup(row->url),
                                   .state = shown_state(row),
                                   .flows = row->flows,
                                   .check_ms = row->check_ms,
                                   .checked = row->state != ENDPOINT_UNKNOWN,
                                   .settled =
                                       row->state != ENDPOINT_UNKNOWN && row->contradictions == 0};
    memcpy(view->checks, row->checks, sizeof view->checks);
    if (row->why[0])
        memcpy(view->why, row->why, sizeof view->why);
    else
        snprintf(view->why, sizeof view->why, "Glance at %s refuses connections", row->url);
}

static const struct row *at_place(const struct endpoints *endpoints, size_t place)
{
    const struct row *row = endpoints->first;
    while (row && row->place != place)
        row = row->next;
    return row;
}

void endpoints_look(struct endpoints *endpoints, struct endpoints_view *view)
{
    view->count = 0;
    if (!endpoints)
        return;
    pthread_mutex_lock(&endpoints->lock);
    for (size_t place = 0; place < ENDPOINTS_MAX; place++) {
        const struct row *row = at_place(endpoints, place);
        if (!row)
            continue;
        show(row, &view->rows[view->count]);
        view->count += view->rows[view->count].url != NULL;
    }
    pthread_mutex_unlock(&endpoints->lock);
}

void endpoints_view_free(struct endpoints_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        free(view->rows[i].url);
    view->count = 0;
}
