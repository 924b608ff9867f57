/* SPDX-License-Identifier: Apache-2.0 */
/* Which uploads to one image are on their way through this process, over all workers.
 *
 * Glance takes one upload at a time, and Glance alone knows who may upload. It says so only once it
 * has the request; until then whoever sees the image might be somebody who may not. So a claim
 * keeps nobody away by itself, however long its client takes:
 *
 *   - Any number of uploads to one image may be on their way to this process.
 *   - While Glance shows the image as queued, it has begun with none of them, and everybody may
 *     come. Once Glance shows that data is going into the image, the next upload is refused, and
 *     is told of the one that was sent.
 *   - Right before an upload is sent, it looks whether another one was. If so, Glance is asked for
 *     the image again: data is going into it, and this upload is refused; or it is still queued,
 *     and this upload waits for Glance's answer to the other, but only for a few seconds. Then it
 *     is sent all the same, and Glance decides between the two. */
#ifndef INTAKE_UPLOAD_LOCKS_H
#define INTAKE_UPLOAD_LOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct upload_lock;
struct upload_locks;

/* Shared by all workers. NULL: no memory. */
struct upload_locks *upload_locks_new(void);
void upload_locks_free(
    struct upload_locks *upload_locks); /* every claim was released. NULL is fine */

/* What can be told of an upload that is under way. */
struct upload_lock_facts {
    uint64_t began_wall_ms;
    uint64_t bytes; /* handed to Glance so far */
    bool size_known;
    uint64_t size;
};

/* To be released by the caller. `bytes` is read for as long as the claim lives. NULL: no memory. */
struct upload_lock *upload_lock_new(struct upload_locks *upload_locks, const char *image_id,
                                    const struct upload_lock_facts *facts,
                                    const _Atomic uint64_t *bytes);
void upload_lock_release(struct upload_lock *upload_lock); /* NULL is fine */

/* Whether another upload to the same image has been sent to Glance, and is not over. `facts` then
 * has those of the one of which Glance has most. */
bool upload_lock_other(const struct upload_lock *upload_lock, struct upload_lock_facts *facts);

enum upload_lock_outcome {
    UPLOAD_LOCK_SENT,
    UPLOAD_LOCK_LOOK /* another one was sent, now or since this claim has last looked */
};

/* The upload is about to be sent. It does not wait for others with `anyway`. */
enum upload_lock_outcome upload_lock_send(struct upload_lock *upload_lock, bool anyway);

#endif
