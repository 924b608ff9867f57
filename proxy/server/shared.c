/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/shared.h"

#include "intake/capacity.h"
#include "intake/endpoints.h"
#include "intake/quota_reservations.h"
#include "intake/spool.h"
#include "intake/stores.h"
#include "intake/thread_pool.h"
#include "intake/upload_locks.h"

#include <unistd.h>

enum { POOL_THREADS = 4, DIGEST_THREADS_MAX = 64 };

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
    shared->upload_locks = upload_locks_new();
    shared->stores = stores_new();
    shared->capacity = capacity_new();
    shared->endpoints = endpoints_new();
    shared->quota_reservations = quota_reservations_new();
    return shared->endpoints && shared->spools && shared->digest_threads && shared->upload_locks &&
           shared->stores && shared->capacity && shared->quota_reservations;
}

void shared_end(struct shared *shared)
{
    endpoints_free(shared->endpoints);
    quota_reservations_free(shared->quota_reservations);
    capacity_free(shared->capacity);
    stores_free(shared->stores);
    upload_locks_free(shared->upload_locks);
    spools_free(shared->spools);
    thread_pool_free(shared->digest_threads);
    thread_pool_free(shared->thread_pool);
}
