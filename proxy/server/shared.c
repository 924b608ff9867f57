/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and frees what all workers share (intake/shared.h). */
#include "intake/shared.h"

#include "intake/capacity.h"
#include "intake/endpoints.h"
#include "intake/fair_shares.h"
#include "intake/held_uploads.h"
#include "intake/keystone.h"
#include "intake/quota_reservations.h"
#include "intake/repetitions.h"
#include "intake/spool.h"
#include "intake/stores.h"
#include "intake/thread_pool.h"
#include "intake/upload_locks.h"
#include "intake/upload_queue.h"
#include "intake/usage_answers.h"

#include <unistd.h>

/* Each upload that is decompressed has a thread to itself; more of them wait. */
enum { POOL_THREADS = 4, DIGEST_THREADS_MAX = 64, DECOMPRESS_THREADS = 16 };

static struct thread_pool *new_digest_threads(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return thread_pool_new(count < 1                    ? 1
                           : count > DIGEST_THREADS_MAX ? DIGEST_THREADS_MAX
                                                        : (unsigned)count);
}

bool shared_begin(struct shared *shared)
{
    shared->thread_pool = thread_pool_new(POOL_THREADS);
    shared->spools = shared->thread_pool ? spools_new(shared->thread_pool) : NULL;
    shared->digest_threads = new_digest_threads();
    shared->decompress_threads = thread_pool_new(DECOMPRESS_THREADS);
    shared->upload_locks = upload_locks_new();
    shared->held_uploads = held_uploads_new();
    shared->stores = stores_new();
    shared->capacity = capacity_new();
    shared->endpoints = endpoints_new();
    shared->upload_queue = shared->endpoints ? upload_queue_new(shared->endpoints) : NULL;
    shared->fair_shares = fair_shares_new();
    shared->quota_reservations = quota_reservations_new();
    shared->usage_answers = usage_answers_new();
    shared->repetitions = repetitions_new();
    return shared->upload_queue && shared->spools && shared->digest_threads &&
           shared->decompress_threads && shared->upload_locks && shared->held_uploads &&
           shared->stores && shared->capacity && shared->fair_shares &&
           shared->quota_reservations && shared->usage_answers && shared->repetitions;
}

void shared_end(struct shared *shared)
{
    keystone_free(shared->keystone);
    repetitions_free(shared->repetitions);
    upload_queue_free(shared->upload_queue);
    fair_shares_free(shared->fair_shares);
    endpoints_free(shared->endpoints);
    usage_answers_free(shared->usage_answers);
    quota_reservations_free(shared->quota_reservations);
    capacity_free(shared->capacity);
    stores_free(shared->stores);
    held_uploads_free(shared->held_uploads);
    upload_locks_free(shared->upload_locks);
    spools_free(shared->spools);
    thread_pool_free(shared->decompress_threads);
    thread_pool_free(shared->digest_threads);
    thread_pool_free(shared->thread_pool);
}
