/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses what Glance would refuse only after storing it. The opening is enough to tell, so Glance
 * does not get a byte. */
#include "body/body_priv.h"

#include "intake/format.h"

#include <stdio.h>

bool glance_checks_judge(struct filter *filter, const void *opening, size_t count)
{
    static const enum refusal reasons[] = {[GLANCE_MISMATCH] = REFUSAL_FORMAT_MISMATCH,
                                           [GLANCE_UNSAFE] = REFUSAL_UNSAFE_FORMAT,
                                           [GLANCE_BOOT_SECTOR] = REFUSAL_UNSAFE_FORMAT};
    struct body *body = filter->body;
    const struct format_declaration declaration = {.disk_format = body->plan.disk_format,
                                                   .container_format = body->plan.container_format};
    char why[FORMAT_WORDS];
    body->glance_objection = format_glance_objects(&declaration, opening, count, why);
    if (body->glance_objection == GLANCE_TAKES_IT)
        return true;
    snprintf(body->glance_why, sizeof body->glance_why, "%s", why);
    return !(body->plan.glance_refuses & GLANCE_OBJECTION_BIT(body->glance_objection)) ||
           filter_report_for_glance(filter, reasons[body->glance_objection], why);
}

enum glance_objection body_glance_objection(const struct body *body, const char **why)
{
    *why = body->glance_why;
    return body->glance_objection;
}

bool body_refused_for_glance(const struct body *body)
{
    return body->refused_for_glance;
}

const char *body_seen(const struct body *body)
{
    return body->seen;
}
