/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the client's bytes. Without a form, the announced length is the image's length. In audit
 * mode a body without a Content-Length goes on without one, even if its size was promised. */
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
