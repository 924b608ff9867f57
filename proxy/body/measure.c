/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the image against the limits, and against what the client said it would be. */
#include "body/body_priv.h"

#include <inttypes.h>

struct measure {
    struct filter filter;
    uint64_t count;
};

static int too_large(struct filter *filter, uint64_t limit)
{
    return filter_refuse(filter, REFUSAL_TOO_LARGE, "the limit is %" PRIu64 " bytes", limit);
}

/* What has no disk inside is as large as it is. */
static uint64_t largest(const struct body *body)
{
    const struct body_limits *limits = &body->limits;
    bool no_disk = body->opening_judged && !body->virtual_size_known;
    return no_disk && limits->max_virtual_size < limits->max_size ? limits->max_virtual_size
                                                                  : limits->max_size;
}

static int judge(struct filter *filter, uint64_t count, bool ended)
{
    const struct body *body = filter->body;
    if (count > largest(body))
        return too_large(filter, largest(body));
    if (count > body->limits.size_ceiling)
        return filter_refuse(filter, REFUSAL_LENGTH_REQUIRED,
                             "another rule is for more than %" PRIu64 " bytes",
                             body->limits.size_ceiling);
    if (body->plan.promised &&
        (count > body->plan.promise || (ended && count < body->plan.promise)))
        return filter_refuse(filter, REFUSAL_SIZE_MISMATCH,
                             "x-openstack-image-size is %" PRIu64 ", and %s", body->plan.promise,
                             ended ? "fewer bytes came" : "more bytes came");
    return 1;
}

static ssize_t read_measure(struct filter *filter, void *into, size_t room)
{
    struct measure *measure = (struct measure *)filter;
    ssize_t got = filter_pull(filter, into, room);
    if (got < 0)
        return got;
    measure->count += (uint64_t)got;
    return judge(filter, measure->count, got == 0) == 1 ? got : BODY_REFUSED;
}

const struct filter_kind filter_measure = {
    .phase = FILTER_MEASURE,
    .size = sizeof(struct measure),
    .read = read_measure,
};
