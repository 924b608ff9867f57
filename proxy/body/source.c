/* SPDX-License-Identifier: Apache-2.0 */
/* The client's bytes as they come. Without an envelope the announced length is the image's. Where
 * the policy only watches, what comes without a Content-Length goes on without one: a promise is
 * none. */
#include "body/body_priv.h"

static bool begin(struct filter *filter)
{
    struct body *body = filter->body;
    const struct body_plan *plan = &body->plan;
    body->length_known = plan->length_known || (plan->promised && !plan->audit);
    body->length = plan->length_known ? plan->length : plan->promise;
    return true;
}

static ssize_t read_source(struct filter *filter, void *into, size_t room)
{
    const struct body_plan *plan = &filter->body->plan;
    return plan->read(plan->context, into, room);
}

const struct filter_kind filter_source = {
    .phase = FILTER_SOURCE,
    .size = sizeof(struct filter),
    .begin = begin,
    .read = read_source,
};
