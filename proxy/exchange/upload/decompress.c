/* SPDX-License-Identifier: Apache-2.0 */
/* An upload whose data is decompressed: the size that its head tells is not the image's. So the
 * policy is asked again, as for a body without a length, unless the data announces the length. */
#include "exchange/upload/upload_steps.h"

/* The image's size as far as the body knows it now. */
static void take_size(struct upload_flow *upload)
{
    uint64_t length;
    bool known = body_length(upload->body, &length);
    upload->sent_length = upload_data_length(upload);
    upload->decompressed = true;
    upload->size = (struct upload_size){.known = known, .bytes = known ? length : 0};
    upload->head.no_length = !known;
}

void upload_forget_decompressed(struct upload_flow *upload)
{
    if (!upload->decompressed)
        return;
    upload->decompressed = false;
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

enum step_result upload_decompress(struct upload_flow *upload)
{
    if (upload->decompressed || !body_decompressed(upload->body))
        return STEP_NEXT;
    take_size(upload);
    enum step_result result = upload_decide(&upload->x);
    if (result == STEP_NEXT)
        apply_decision(upload);
    return result;
}
