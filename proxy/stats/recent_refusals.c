/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the refusals of each of the last sixty minutes, in a ring. The worker reuses the place
 * of a minute that is an hour old. It sets the new number last, so a reader that sees the number
 * does not see old counts. */
#include "intake/clock.h"
#include "stats/metrics_priv.h"

#include <string.h>

enum { MINUTE_MS = 60 * 1000 };

/* Begins with 1: 0 is no minute. */
static uint64_t current_minute(void)
{
    return clock_ms() / MINUTE_MS + 1;
}

static void begin_minute(struct refusal_minute *minute, uint64_t number)
{
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        atomic_store_explicit(&minute->counts[i], 0, memory_order_relaxed);
    atomic_store_explicit(&minute->number, number, memory_order_release);
}

void metrics_count_recent(struct metrics *metrics, enum refusal reason)
{
    uint64_t now = current_minute();
    struct refusal_minute *minute = &metrics->minutes[now % METRICS_RECENT_MINUTES];
    if (atomic_load_explicit(&minute->number, memory_order_relaxed) != now)
        begin_minute(minute, now);
    atomic_fetch_add_explicit(&minute->counts[reason], 1, memory_order_relaxed);
}

/* Adds a minute of one worker, if it is in the last hour before `now`. */
static void add_minute(const struct refusal_minute *minute, uint64_t now,
                       struct recent_refusals *out)
{
    uint64_t number = atomic_load_explicit(&minute->number, memory_order_acquire);
    if (number == 0 || number > now || now - number >= METRICS_RECENT_MINUTES)
        return;
    size_t column = METRICS_RECENT_MINUTES - 1 - (size_t)(now - number);
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        out->counts[i][column] += atomic_load_explicit(&minute->counts[i], memory_order_relaxed);
}

void metrics_recent_refusals(struct metrics *const *all, size_t count, struct recent_refusals *out)
{
    uint64_t now = current_minute();
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < METRICS_RECENT_MINUTES; j++)
            add_minute(&all[i]->minutes[j], now, out);
}
