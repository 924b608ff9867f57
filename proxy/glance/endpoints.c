/* SPDX-License-Identifier: Apache-2.0 */
/* The first endpoint of the list that is not known to be dead; when all are, the first that was
 * not tried: a guess is better than a refusal. */
#include "glance/glance_priv.h"

#include "intake/clock.h"

enum { DEAD_MS = 10000 };

int endpoint_next(const struct glance *glance, size_t count, unsigned tried)
{
    int untried = -1;
    for (int i = 0; i < ENDPOINTS_MAX && (size_t)i < count; i++) {
        if (tried & 1U << i)
            continue;
        if (glance->dead_until[i] <= clock_ms())
            return i;
        if (untried < 0)
            untried = i;
    }
    return untried;
}

void endpoint_is_dead(struct glance *glance, int endpoint)
{
    glance->dead_until[endpoint] = clock_ms() + DEAD_MS;
}

void endpoint_is_alive(struct glance *glance, int endpoint)
{
    glance->dead_until[endpoint] = 0;
}
