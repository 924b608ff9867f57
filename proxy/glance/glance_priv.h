/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Glance edge share.
 *
 *   multi.c       libcurl's multi handle in the worker's loop
 *   endpoints.c   which Glance is tried next
 *   transfer.c    one request
 */
#ifndef GLANCE_PRIV_H
#define GLANCE_PRIV_H

#include "intake/headers.h"
#include "intake/loop.h"
#include "intake/transfer.h"

#include <curl/curl.h>

enum { POOLED_HANDLES = 64, ENDPOINTS_MAX = 16 };

struct glance {
    struct loop *loop;
    CURLM *multi;
    struct timer timer;   /* libcurl's */
    struct task reap;     /* looks for ended transfers, after libcurl has returned */
    struct transfer *all; /* in progress */
    CURL *pool[POOLED_HANDLES];
    size_t pooled;
    uint64_t dead_until[ENDPOINTS_MAX]; /* clock_ms(), by place in the list */
};

/* endpoints.c: `tried` has a bit per endpoint. -1: every one was tried. */
int endpoint_next(const struct glance *glance, size_t count, unsigned tried);
void endpoint_is_dead(struct glance *glance, int endpoint);
void endpoint_is_alive(struct glance *glance, int endpoint);

/* multi.c */
CURL *glance_take_handle(struct glance *glance);
void glance_give_handle(struct glance *glance, CURL *easy); /* NULL is fine */

/* Lets libcurl go on with one socket now, instead of at the next turn. */
void glance_drive(struct glance *glance, curl_socket_t socket, int flags);

/* transfer.c: told by multi.c */
void transfer_ended(struct transfer *transfer, CURLcode code);
void transfer_has_socket(struct transfer *transfer, curl_socket_t socket);
void transfer_lost_socket(struct transfer *transfer, curl_socket_t socket);

#endif
