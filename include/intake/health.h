/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks of all endpoints of Glance, every health_interval, in one thread for the whole
 * process. */
#ifndef INTAKE_HEALTH_H
#define INTAKE_HEALTH_H

struct endpoints;
struct health;
struct snapshot;

/* Returns the current snapshot, with a reference for the caller. */
typedef struct snapshot *health_snapshot(void *context);

/* Starts the thread; the first checks begin at once. `endpoints` is borrowed. NULL: no memory, or
 * no thread. */
struct health *health_start(struct endpoints *endpoints, health_snapshot *snapshot, void *context);

/* Call it after the snapshot was replaced: a round of checks begins at once. */
void health_reload(struct health *health);

void health_stop(struct health *health); /* NULL is fine */

#endif
