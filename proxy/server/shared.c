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

enum { HELPERS = 4, HASHERS_MAX = 64 };

static struct errands *new_hashers(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return errands_new(count < 1 ? 1 : count > HASHERS_MAX ? HASHERS_MAX : (unsigned)count);
}

bool shared_begin(struct shared *shared)
{
    shared->errands = errands_new(HELPERS);
    shared->spools = shared->errands ? spools_new(shared->errands) : NULL;
    shared->hashers = new_hashers();
    shared->claims = claims_new();
    shared->stores = stores_new();
    shared->rooms = rooms_new();
    shared->endpoints = endpoints_new();
    shared->reservations = reservations_new();
    return shared->endpoints && shared->spools && shared->hashers && shared->claims &&
           shared->stores && shared->rooms && shared->reservations;
}

void shared_end(struct shared *shared)
{
    endpoints_free(shared->endpoints);
    reservations_free(shared->reservations);
    rooms_free(shared->rooms);
    stores_free(shared->stores);
    claims_free(shared->claims);
    spools_free(shared->spools);
    errands_free(shared->hashers);
    errands_free(shared->errands);
}
