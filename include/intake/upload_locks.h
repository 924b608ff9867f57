/* SPDX-License-Identifier: Apache-2.0 */
/* Knows which uploads to one image are in flight in this process, over all workers.
 *
 * Glance accepts one upload to an image at a time. Only Glance knows who may upload, and it tells
 * that only after it has the request. A client that sees the image may not be allowed to upload. So
 * a lock does not keep other uploads out, even if its client is slow. It only tells them that this
 * upload is there:
 * - Any number of uploads to one image may be in flight in this process.
 * - While Glance shows the image as queued, it has begun to read none of them, and more uploads are
 *   accepted. Once Glance shows that data is going into the image, the next upload is refused. The
 *   refusal describes the upload that was sent.
 * - Before an upload is sent, it checks whether another one was sent. If so, Glance is asked for
 *   the image again. If data is going into the image, this upload is refused. If it is still
 *   queued, this upload waits for Glance's answer to the other one, for a few seconds at most. Then
 *   it is sent anyway, and Glance decides between the two. */
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
/* All locks must have been released. NULL is fine. */
void upload_locks_free(struct upload_locks *upload_locks);

/* What a refusal says about an upload that is in flight. */
struct upload_lock_facts {
    uint64_t began_wall_ms;
    uint64_t bytes; /* sent to Glance so far */
    bool size_known;
    uint64_t size;
};

/* The caller must release the result. `bytes` is borrowed and must outlive the lock. NULL: no
 * memory. */
struct upload_lock *upload_lock_new(struct upload_locks *upload_locks, const char *image_id,
                                    const struct upload_lock_facts *facts,
                                    const _Atomic uint64_t *bytes);
void upload_lock_release(struct upload_lock *upload_lock); /* NULL is fine */

/* True: another upload to the same image was sent to Glance, and has not ended. Then `facts`
 * describes it; if there are several, the one with the most bytes sent. */
bool upload_lock_other(const struct upload_lock *upload_lock, struct upload_lock_facts *facts);

enum upload_lock_outcome {
    UPLOAD_LOCK_SENT,
    UPLOAD_LOCK_LOOK /* another upload is being sent, or was sent since the last call */
};

/* Called before the upload is sent. UPLOAD_LOCK_SENT: send it now. UPLOAD_LOCK_LOOK: ask Glance for
 * the image first. With `anyway` the result is always UPLOAD_LOCK_SENT. */
enum upload_lock_outcome upload_lock_send(struct upload_lock *upload_lock, bool anyway);

#endif
