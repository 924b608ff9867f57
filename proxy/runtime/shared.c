/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/shared.h"

#include "intake/claims.h"
#include "intake/errands.h"
#include "intake/rooms.h"
#include "intake/spool.h"
#include "intake/stores.h"

enum { HELPERS = 4 };

bool shared_begin(struct shared *shared)
{
    shared->errands = errands_new(HELPERS);
    shared->spools = shared->errands ? spools_new(shared->errands) : NULL;
    shared->claims = claims_new();
    shared->stores = stores_new();
    shared->rooms = rooms_new();
    return shared->spools && shared->claims && shared->stores && shared->rooms;
}

void shared_end(struct shared *shared)
{
    rooms_free(shared->rooms);
    stores_free(shared->stores);
    claims_free(shared->claims);
    spools_free(shared->spools);
    errands_free(shared->errands);
}
