/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until the upload has its share of what its project and its client may do at one time
 * (fair_shares.h), before 100 Continue. It keeps the share until it ends, also while it is held.
 *
 * The project is the owner of the image, as Glance tells it. Somebody who only sees the image must
 * not take the owner's share, so Glance is asked first whether the caller may upload. */
#include "exchange/upload/upload_steps.h"

#include "intake/fair_shares.h"
#include "intake/record.h"
#include "intake/snapshot.h"

enum { WAIT_MS = 60000 };

static bool is_limited(const struct upload_flow *upload, enum policy_limit which)
{
    return upload->check.decision.shares[which].limit > 0;
}

/* Audit mode delays nothing. */
static bool is_wanted(const struct upload_flow *upload)
{
    bool limited = false;
    for (enum policy_limit i = 0; i < POLICY_LIMIT_COUNT; i++)
        limited = limited || is_limited(upload, i);
    return limited && upload_has_body(upload) && !audit_only(&upload->x);
}

static enum step_result confirm_project(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    bool by_project =
        is_limited(upload, POLICY_LIMIT_UPLOADS) || is_limited(upload, POLICY_LIMIT_RATE);
    if (!by_project || upload->check.may_upload)
        return STEP_NEXT;
    enum step_result result = upload_ask_who_may(x, &upload->check);
    if (result == STEP_NEXT) {
        x->glance.over = false;
        upload->check.may_upload = true;
    }
    return result;
}

static bool enter(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const char *project = upload->check.image.owner;
    const struct share_entry entry = {
        .limits = upload->check.decision.shares,
        .project = project ? project : "",
        .client = x->request.origin.address,
        .loop = x->parts->loop,
        .wake = exchange_wake_by,
        .context = x,
    };
    upload->share.ticket = fair_shares_enter(x->parts->fair_shares, &entry);
    return upload->share.ticket != NULL;
}

/* The next upload does not wait until the refusal is sent. */
static enum step_result look(struct upload_flow *upload)
{
    if (!share_waits(upload->share.ticket)) {
        upload_end_wait(upload);
        return STEP_NEXT;
    }
    enum step_result result = upload_wait_at_most(upload, WAIT_MS);
    if (result == STEP_REFUSE)
        upload_give_share_back(upload);
    return result;
}

enum step_result upload_take_share(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering && !is_wanted(upload))
        return STEP_NEXT;
    if (upload->share.ticket)
        return look(upload);
    enum step_result confirmed = confirm_project(upload);
    if (confirmed != STEP_NEXT)
        return confirmed;
    return enter(upload) ? look(upload) : exchange_no_memory(x);
}

enum step_result upload_wait_share(struct exchange *x)
{
    if (x->entering)
        records_enter(x->parts->records, x->record);
    return upload_take_share(x);
}

void upload_give_share_back(struct upload_flow *upload)
{
    upload_end_wait(upload);
    upload_throttle_end(upload);
    share_leave(upload->share.ticket);
    upload->share.ticket = NULL;
}
