/* SPDX-License-Identifier: Apache-2.0 */
/* An upload whose data is unpacked: decompressed, or taken out of a form that did not say so. The
 * size that its head tells is not the image's. So the policy is asked again before the data is
 * checked: with the size that the data announces, or else as for a body without a length. */
#include "exchange/upload/upload_steps.h"

/* Not in audit mode: there the decision is final, and a form is unwrapped only if it is part of
 * this proxy's own API. */
static bool is_hidden_form(const struct upload_flow *upload)
{
    return body_unwrapped(upload->body) && !upload->head.declared_form && !audit_only(&upload->x);
}

bool upload_is_to_be_unpacked(const struct upload_flow *upload)
{
    return !upload->unpacked && (body_decompressed(upload->body) || is_hidden_form(upload));
}

/* The image's size as far as the body knows it now. */
static void take_size(struct upload_flow *upload)
{
    uint64_t length;
    bool known = body_length(upload->body, &length);
    upload->unpacked = true;
    upload->size = (struct upload_size){.known = known, .bytes = known ? length : 0};
    upload->head.no_length = !known;
}

void upload_forget_unpacked(struct upload_flow *upload)
{
    upload->unpacked = false;
    upload->size = (struct upload_size){.known = true, .bytes = upload->sent_length};
    upload->head.no_length = false;
}

/* While it is spooled, it needs no place at an endpoint. */
static void apply_decision(struct upload_flow *upload)
{
    const struct body_limits limits = upload_limits(upload);
    bool spooled = upload_is_spooled_first(upload);
    bool waits = upload_decision_waits(upload) && upload->check.decision.checks_by_size;
    const struct check_levels checks = upload_checks(upload);
    body_checks(upload->body, &checks); /* those of the rule for this size */
    body_size_comes(upload->body, spooled, waits);
    if (audit_only(&upload->x))
        body_audit(upload->body);
    body_limit(upload->body, &limits);
    if (spooled)
        upload_give_place_back(upload);
}

enum step_result upload_unpack(struct upload_flow *upload)
{
    if (!upload_is_to_be_unpacked(upload))
        return STEP_NEXT;
    take_size(upload);
    enum step_result result = upload_decide(&upload->x);
    if (result == STEP_NEXT)
        apply_decision(upload);
    return result;
}
