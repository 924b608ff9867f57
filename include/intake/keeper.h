/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: a thread that looks after dormant uploads (held_uploads.h). It does three things:
 *
 *   - It finds the uploads that an earlier process has left in spool_dir.
 *   - It drops the uploads whose window has ended.
 *   - It removes the files of uploads that were dropped. */
#ifndef INTAKE_KEEPER_H
#define INTAKE_KEEPER_H

struct held_uploads;
struct keeper;
struct snapshot;
struct spools;

/* Returns a reference to the snapshot in force. Called in the keeper's thread. */
typedef struct snapshot *keeper_snapshot(void *context);

/* Looks once, and starts the thread. Both lists are borrowed. NULL: no memory, or no thread. */
struct keeper *keeper_start(struct held_uploads *uploads, struct spools *spools,
                            keeper_snapshot *snapshot, void *context);

/* Stops the thread, after it has removed what was dropped. No worker may run any more. NULL is
 * fine. */
void keeper_stop(struct keeper *keeper);

#endif
