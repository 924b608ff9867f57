/* SPDX-License-Identifier: Apache-2.0 */
/* The small Glance: a stand-in for OpenStack Glance, for a machine that has none and for
 * faults that a real one cannot be made to show.
 *
 * libmicrohttpd gives each connection a thread, so a handler may block. Images live in memory
 * as the JSON that clients get; their data are files. What it answers was measured on Glance 25.1
 * under eventlet.
 *
 * Reading order: routes.c (what there is), server.c (a request's life), upload.c, fault.h. */
#ifndef SMALL_GLANCE_GLANCE_H
#define SMALL_GLANCE_GLANCE_H

#include "fault.h"
#include "store.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { STORES_MAX = 8, PRINCIPALS_MAX = 16, FAULTS_MAX = 64, IMAGES_MAX = 10000 };

struct principal {
    const char *token;
    const char *project;
    bool admin;
};

struct glance {
    /* Fixed before the first request. */
    const char *data; /* folder of the images' data */
    struct principal principals[PRINCIPALS_MAX];
    size_t principal_count;
    FILE *journal; /* NULL: none is kept */
    int stopping;  /* an eventfd, readable once the program is to end */

    /* Held while the following members are used, but not while bytes flow or a fault waits. */
    pthread_mutex_t lock;
    json_t *images; /* array of objects, oldest first */
    char stores[STORES_MAX][STORE_NAME_MAX];
    size_t store_count; /* at least one; the first is the default */
    json_t *limits;     /* a project's, by name */
    struct fault faults[FAULTS_MAX];
    size_t fault_count;
};

/* Waits. False: stop, because the program ends or the peer at `connection` (-1: none) has closed.
 */
bool glance_pause(const struct glance *glance, int connection, double seconds);

#endif
