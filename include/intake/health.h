/* SPDX-License-Identifier: Apache-2.0 */
/* Asks each endpoint of Glance how it is, every health_interval, in one thread for the process. */
#ifndef INTAKE_HEALTH_H
#define INTAKE_HEALTH_H

struct endpoints;
struct health;
struct snapshot;

/* Where what it asks, and how often, is to be found: the snapshot in force, with a reference for
 * the caller. */
typedef struct snapshot *health_snapshot(void *context);

/* The first checks begin at once. `endpoints` is borrowed. NULL: no memory, or no thread. */
struct health *health_start(struct endpoints *endpoints, health_snapshot *snapshot, void *context);

/* The snapshot in force is another one now. */
void health_reload(struct health *health);

void health_stop(struct health *health); /* NULL is fine */

#endif
