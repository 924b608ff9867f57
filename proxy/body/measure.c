/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the size of the image against the limits and against the promised size. */
#include "intake/stream.h"

#include "body/body_priv.h"

#include <inttypes.h>
#include <sys/param.h>

static void report_size(struct filter *filter, uint64_t size, uint64_t limit)
{
    if (filter->body->length_known)
        filter_report(filter, CHECK_REJECT, REFUSAL_TOO_LARGE,
                      "it has %" PRIu64 " bytes, and the limit is %" PRIu64, size, limit);
    else
        filter_report(filter, CHECK_REJECT, REFUSAL_TOO_LARGE, "the limit is %" PRIu64 " bytes",
                      limit);
}

static void report_ceiling(struct filter *filter)
{
    static const char words[] = "another rule is for more than %" PRIu64 " bytes";
    uint64_t ceiling = filter->body->limits.size_ceiling;
    if (filter->body->plan.size_chose)
        filter_refuse(filter, REFUSAL_LENGTH_REQUIRED, words, ceiling);
    else
        filter_report(filter, CHECK_REJECT, REFUSAL_LENGTH_REQUIRED, words, ceiling);
}

bool body_within_limits(struct body *body)
{
    struct filter *filter = body->filters[FILTER_MEASURE];
    const struct body_limits *limits = &body->limits;
    uint64_t size = MAX(body->measured, body->length_known ? body->length : 0);
    uint64_t max =
        body->no_disk ? MIN(limits->max_size, limits->max_virtual_size) : limits->max_size;
    bool above = body->measured > limits->size_ceiling;
    /* One chunk may exceed both limits. Then the lower one is reported; with `size_chose` always
     * the ceiling, because only that refuses in audit mode. */
    if (above && (limits->size_ceiling < max || body->plan.size_chose))
        report_ceiling(filter);
    else if (size > max)
        report_size(filter, size, max);
    else if (body->virtual_size_known && body->virtual_size > limits->max_virtual_size)
        filter_report(filter, CHECK_REJECT, REFUSAL_TOO_LARGE,
                      "the disk in it has %" PRIu64 " bytes, and the limit for that is %" PRIu64,
                      body->virtual_size, limits->max_virtual_size);
    return !body->refusal;
}

/* False: refused. The size of an image is not known if the form is left around it. */
static bool check_promise(struct filter *filter, bool ended)
{
    static const char words[] = "x-openstack-image-size is %" PRIu64 ", and %s bytes came";
    const struct body *body = filter->body;
    const struct body_plan *plan = &body->plan;
    const char *which = ended ? "fewer" : "more";
    if (!plan->promised || body_is_kept(body) || body->measured == plan->promise ||
        (body->measured < plan->promise && !ended))
        return true;
    if (plan->size_chose)
        return filter_refuse(filter, REFUSAL_SIZE_MISMATCH, words, plan->promise, which) == 1;
    return filter_report(filter, CHECK_REJECT, REFUSAL_SIZE_MISMATCH, words, plan->promise, which);
}

static ssize_t read_measure(struct filter *filter, void *into, size_t room)
{
    struct body *body = filter->body;
    ssize_t got = filter_pull(filter, into, room);
    if (got < 0)
        return got;
    body->measured += (uint64_t)got;
    return check_promise(filter, got == 0) && body_within_limits(body) ? got : STREAM_REFUSED;
}

/* The known length was checked before against the limits and the promised size. */
static uint64_t splice_budget(const struct filter *filter)
{
    const struct body *body = filter->body;
    return body->length_known && body->length > body->measured ? body->length - body->measured : 0;
}

static void spliced(struct filter *filter, uint64_t count)
{
    filter->body->measured += count;
}

const struct filter_kind filter_measure = {
    .phase = FILTER_MEASURE,
    .size = sizeof(struct filter),
    .read = read_measure,
    .splice_budget = splice_budget,
    .spliced = spliced,
};
