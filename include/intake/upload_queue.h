/* SPDX-License-Identifier: Apache-2.0 */
/* Limits how many uploads are at one endpoint of Glance at one time, over all workers. Further
 * uploads wait in one queue, in order, for a place at an endpoint.
 *
 * Glance under uWSGI has a few processes, and each upload occupies one of them until its end. With
 * fewer uploads than processes, other requests are always served.
 *
 *     upload_queue_enter() --+-> has a place -> upload_ticket_leave()
 *                            +-> waits ---------^
 *
 * - An upload that enters never overtakes one that waits for the same endpoints.
 * - Places are counted by the endpoint's URL, so a reload keeps the count. They are counted without
 *   a limit, too: a limit that a reload sets counts the uploads that are under way.
 * - No upload takes a place at an endpoint that is out (endpoints.h) while another endpoint is not:
 *   it waits for that one.
 *
 * Thread-safe. */
#ifndef INTAKE_UPLOAD_QUEUE_H
#define INTAKE_UPLOAD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct endpoints;
struct loop;
struct upload_queue;
struct upload_ticket;

/* Shared by all workers. `endpoints` is borrowed; NULL: all are taken for up. NULL: no memory. */
struct upload_queue *upload_queue_new(struct endpoints *endpoints);
void upload_queue_free(struct upload_queue *queue); /* all tickets must be left. NULL is fine */

/* Sets how many uploads may be at one endpoint. 0: any number. Uploads beyond a lower limit keep
 * their places. A higher one lets waiting uploads go on at once. */
void upload_queue_limit(struct upload_queue *queue, unsigned per_endpoint);

/* What an upload needs, and whom to tell. All pointers are borrowed until upload_ticket_leave(). */
struct upload_queue_entry {
    char *const *urls; /* the endpoints that it may go to, `count` of them, at most ENDPOINTS_MAX */
    size_t count;
    unsigned tried; /* a bit for each endpoint that is excluded */
    int preferred;  /* as for endpoints_choose() */
    struct loop *loop;
    void (*wake)(void *context); /* has a place now; called in the loop's thread */
    void *context;
};

/* Enters the queue, and takes a place at once if there is one. NULL: no memory. The caller must
 * leave. */
struct upload_ticket *upload_queue_enter(struct upload_queue *queue,
                                         const struct upload_queue_entry *entry);

enum { UPLOAD_TICKET_WAITS = -1 };

/* The index in `urls` of the endpoint where it has its place, or UPLOAD_TICKET_WAITS. */
int upload_ticket_endpoint(struct upload_ticket *ticket);

/* Whether there was a limit when it got its place. */
bool upload_ticket_limited(const struct upload_ticket *ticket);

/* Looks again whether there is a place: an endpoint that was out may be up. Call it now and then
 * while the ticket waits. It has an effect only for the first one of the queue. */
void upload_ticket_retry(struct upload_ticket *ticket);

/* Gives the place back, or leaves the queue. `wake` is not called any more. NULL is fine. */
void upload_ticket_leave(struct upload_ticket *ticket);

size_t upload_queue_length(struct upload_queue *queue); /* how many wait; NULL: 0 */

#endif
