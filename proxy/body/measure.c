/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the image against the limits, and against what the client said it would be. */
#include "body/body_priv.h"

#include <inttypes.h>
#include <sys/param.h>

static void refuse_size(struct filter *filter, uint64_t size, uint64_t limit)
{
    if (filter->body->length_known)
        filter_refuse(filter, REFUSAL_TOO_LARGE,
                      "it has %" PRIu64 " bytes, and the limit is %" PRIu64, size, limit);
    else
        filter_refuse(filter, REFUSAL_TOO_LARGE, "the limit is %" PRIu64 " bytes", limit);
}

bool body_within_limits(struct body *body)
{
    struct filter *filter = body->filters[FILTER_MEASURE];
    const struct body_limits *limits = &body->limits;
    uint64_t size = MAX(body->measured, body->length_known ? body->length : 0);
    uint64_t max =
        body->no_disk ? MIN(limits->max_size, limits->max_virtual_size) : limits->max_size;
    /* Of two limits that a piece may reach at once the lower one counts. */
    if (body->measured > limits->size_ceiling && limits->size_ceiling < max)
        filter_refuse(filter, REFUSAL_LENGTH_REQUIRED,
                      "another rule is for more than %" PRIu64 " bytes", limits->size_ceiling);
    else if (size > max)
        refuse_size(filter, size, max);
    else if (body->virtual_size_known && body->virtual_size > limits->max_virtual_size)
        filter_refuse(filter, REFUSAL_TOO_LARGE,
                      "the disk in it has %" PRIu64 " bytes, and the limit for that is %" PRIu64,
                      body->virtual_size, limits->max_virtual_size);
    return !body->refusal;
}

static bool keeps_promise(struct filter *filter, bool ended)
{
    const struct body *body = filter->body;
    const struct body_plan *plan = &body->plan;
    if (!plan->promised || body->measured == plan->promise ||
        (body->measured < plan->promise && !ended))
        return true;
    filter_refuse(filter, REFUSAL_SIZE_MISMATCH, "x-openstack-image-size is %" PRIu64 ", and %s",
                  plan->promise, ended ? "fewer bytes came" : "more bytes came");
    return false;
}

static ssize_t read_measure(struct filter *filter, void *into, size_t room)
{
    struct body *body = filter->body;
    ssize_t got = filter_pull(filter, into, room);
    if (got < 0)
        return got;
    body->measured += (uint64_t)got;
    return keeps_promise(filter, got == 0) && body_within_limits(body) ? got : BODY_REFUSED;
}

const struct filter_kind filter_measure = {
    .phase = FILTER_MEASURE,
    .size = sizeof(struct filter),
    .read = read_measure,
};
