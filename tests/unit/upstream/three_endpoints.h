/* SPDX-License-Identifier: Apache-2.0 */
/* A set of three endpoints, their health checks, and a clock that the test sets. Include after
 * <cmocka.h>. */
#ifndef UPSTREAM_THREE_ENDPOINTS_H
#define UPSTREAM_THREE_ENDPOINTS_H

#include "intake/clock.h"
#include "intake/endpoints.h"
#include "intake/settings.h"

#include <string.h>

enum { THREE = 3 };

static uint64_t now; /* ms */

/* The linker takes these functions instead of those of the proxy's library. */
uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

static char A[] = "http://a:9393", B[] = "http://b:9393", C[] = "https://c";
static char *const ABC[] = {A, B, C};
static struct endpoints *endpoints;

static inline void configure(char *const *urls, size_t count)
{
    const struct settings settings = {
        .glance = {.endpoints = (char **)urls, .endpoint_count = count}};
    assert_true(endpoints_configure(endpoints, &settings));
}

static inline int set_up(void **state)
{
    (void)state;
    now = 1000;
    endpoints = endpoints_new();
    assert_non_null(endpoints);
    configure(ABC, THREE);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    endpoints_free(endpoints);
    return 0;
}

static inline void check(const char *url, enum endpoint_health health, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        endpoints_check_begins(endpoints, url);
        endpoints_checked(endpoints, url, health, "it is not well");
    }
}

/* Image data flowed during a silent check. It has ended since. */
static inline void make_busy(const char *url)
{
    assert_true(endpoints_flow_begins(endpoints, url));
    check(url, HEALTH_SILENT, 1);
    endpoints_flow_ends(endpoints, url);
}

static inline enum endpoint_state state_of(const char *url)
{
    struct endpoints_view view;
    enum endpoint_state found = ENDPOINT_UNKNOWN;
    endpoints_look(endpoints, &view);
    for (size_t i = 0; i < view.count; i++)
        if (strcmp(view.rows[i].url, url) == 0)
            found = view.rows[i].state;
    endpoints_view_free(&view);
    return found;
}

static inline int next(unsigned tried)
{
    return endpoints_choose(endpoints, ABC, THREE, tried, TURN_REQUEST, -1);
}

#endif
