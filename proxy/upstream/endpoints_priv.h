/* SPDX-License-Identifier: Apache-2.0 */
/* What endpoints.c and endpoint_state.c share. */
#ifndef ENDPOINTS_PRIV_H
#define ENDPOINTS_PRIV_H

#include "intake/endpoints.h"

#include <pthread.h>
#include <stdint.h>

#define ENDPOINT_NOWHERE SIZE_MAX

struct row {
    char *url;
    size_t place; /* in the settings in force; ENDPOINT_NOWHERE: it is not there any more */
    enum endpoint_state state;
    unsigned against; /* checks in a row that contradict the state */
    unsigned flows;
    bool flowed;            /* since the last check began */
    uint64_t refused_until; /* clock_ms() */
    char why[ENDPOINT_WHY_MAX];
    struct row *next;
};

struct endpoints {
    pthread_mutex_t lock; /* guards all below */
    struct row *first;
    unsigned turns[ENDPOINT_TURNS];
};

/* With the lock held. NULL: there is no such row. */
struct row *endpoints_find(const struct endpoints *endpoints, const char *url);

/* Takes the lock, whether there is such a row or not. */
struct row *endpoints_lock_row(struct endpoints *endpoints, const char *url);

#endif
