/* SPDX-License-Identifier: Apache-2.0 */
/* What the small Glance serves. */
#ifndef SMALL_GLANCE_ROUTE_H
#define SMALL_GLANCE_ROUTE_H

struct exchange;

enum {
    ROUTE_OPEN = 1, /* needs no token, and its answer has no request id */
    ROUTE_SENDS = 2 /* its faults count bytes sent, and occur during the answer */
};

struct route {
    const char *name; /* its name in a fault */
    const char *method;
    const char *pattern;               /* segments; {id} stands for any one; "*": any path */
    void (*begin)(struct exchange *);  /* on the head; may answer. NULL: nothing to check yet */
    void (*finish)(struct exchange *); /* on the whole body; answers */
    unsigned traits;
};

/* Sets exchange->route and image_id; leaves route NULL after answering 404 or 405. */
void route_find(struct exchange *exchange);

#endif
