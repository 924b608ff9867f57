/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by endpoints.c and endpoint_state.c. */
#ifndef ENDPOINTS_PRIV_H
#define ENDPOINTS_PRIV_H

#include "intake/endpoints.h"

#include <pthread.h>
#include <stdint.h>

#define ENDPOINT_NOWHERE SIZE_MAX

struct row {
    char *url;
    size_t place; /* in the current settings; ENDPOINT_NOWHERE: not listed any more */
    enum endpoint_state state;
    unsigned contradictions; /* number of checks in a row that contradict the state */
    unsigned flows;
    uint64_t checks[ENDPOINT_HEALTHS];
    uint64_t check_began, check_ms; /* clock_ms(), and the duration of the last one */
    bool flowed;            /* image data was under way at some time since the last check began */
    uint64_t refused_until; /* clock_ms() */
    char why[ENDPOINT_WHY_MAX];
    struct row *next;
};

struct endpoints {
    pthread_mutex_t lock; /* protects all members below */
    struct row *first;
    unsigned turns[ENDPOINT_TURNS];
};

/* Takes the lock, even if it returns NULL because there is no such row. The caller unlocks. */
struct row *endpoints_lock_row(struct endpoints *endpoints, const char *url);

#endif
