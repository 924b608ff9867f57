/* SPDX-License-Identifier: Apache-2.0 */
/* Splices the bytes that no filter has to read from the client's socket into a pipe. Filters only
 * count these bytes. Bytes that must be hashed go through the pipes of hashing.c. The first and the
 * last byte of an image are always read, so splicing does not change the result of any check. */
#include "body/body_priv.h"
#include "body/hashing.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <sys/param.h>

static uint64_t splice_budget(const struct body *body)
{
    uint64_t most = UINT64_MAX;
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        const struct filter *filter = body->filters[phase];
        uint64_t allowed =
            filter->kind->splice_budget ? filter->kind->splice_budget(filter) : UINT64_MAX;
        most = MIN(most, allowed);
    }
    return most;
}

static void count_spliced(struct body *body, uint64_t count)
{
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        if (filter->kind->spliced)
            filter->kind->spliced(filter, count);
    }
}

/* Every spliced byte must be hashed, or the digests would be wrong. Without an inlet nothing is
 * spliced, and the bytes are read instead. */
static ssize_t splice_hashed(struct body *body, int pipe, size_t room)
{
    struct filter *digester = body->filters[FILTER_DIGEST];
    struct hashing *hashing = digest_hashing(digester);
    int inlet = hashing_inlet(hashing);
    if (inlet < 0)
        return STREAM_NO_SPLICE;
    ssize_t count = body->plan.splice(body->plan.context, inlet, room);
    if (count <= 0)
        hashing_close_inlet(hashing);
    else if (!hashing_pass_on(hashing, pipe, (size_t)count))
        return filter_no_memory(digester);
    return count;
}

static bool is_hashed(const struct body *body)
{
    return !digests_none(hashing_set(digest_hashing(body->filters[FILTER_DIGEST])));
}

ssize_t body_splice(struct body *body, int pipe, size_t room)
{
    uint64_t most = body->plan.splice && !body->refusal ? splice_budget(body) : 0;
    if (most == 0)
        return STREAM_NO_SPLICE;
    room = MIN(room, most);
    ssize_t count = is_hashed(body) ? splice_hashed(body, pipe, room)
                                    : body->plan.splice(body->plan.context, pipe, room);
    if (count > 0)
        count_spliced(body, (uint64_t)count);
    return count;
}
