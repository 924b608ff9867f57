/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a client may go on with an upload at this place: the policy is asked again, and the range
 * must be the rest of the upload. */
#include "exchange/resume/resume_steps.h"

#include "intake/client.h"
#include "intake/snapshot.h"

#include <inttypes.h>
#include <stdio.h>

/* By the size by which the store was chosen, unless the client has another file. */
static uint64_t size_of(const struct resume_flow *resume)
{
    const struct held_facts *held = &resume->held;
    return resume->total && resume->total != held->length ? resume->total : held->size;
}

static enum step_result ask_policy(struct resume_flow *resume)
{
    struct exchange *x = &resume->x;
    struct image_check *check = &resume->check;
    struct policy_facts facts = image_check_facts(x, check);
    if (!requested_store(&client_head(x->client)->headers, &check->requested_store))
        return exchange_no_memory(x);
    facts.requested_store = check->requested_store;
    facts.size_known = true;
    facts.size = size_of(resume);
    policy_decide(x->snapshot->policy, &facts, &check->decision);
    if (check->decision.audit) /* it changes and refuses nothing */
        return STEP_NEXT;
    switch (check->decision.verdict) {
    case POLICY_DENY:
        return exchange_refuse_for(x, REFUSAL_DENIED_BY_POLICY, "%s", check->decision.why);
    case POLICY_STORE_NOT_ALLOWED:
        return exchange_refuse(x, REFUSAL_STORE_NOT_ALLOWED);
    case POLICY_TOO_LARGE:
        return exchange_refuse(x, REFUSAL_TOO_LARGE);
    default:
        return STEP_NEXT;
    }
}

static enum step_result compare_count(struct resume_flow *resume)
{
    const struct held_facts *held = &resume->held;
    if (resume->count > held->length - held->offset)
        return exchange_refuse_for(&resume->x, REFUSAL_SIZE_MISMATCH,
                                   "%" PRIu64 " of its %" PRIu64
                                   " bytes are here, and this part has %" PRIu64,
                                   held->offset, held->length, resume->count);
    return resume->count ? STEP_NEXT : resume_tell_part(resume, held->offset);
}

static enum step_result refuse_length(struct resume_flow *resume)
{
    char detail[128];
    const struct held_facts *held = &resume->held;
    enum refusal reason =
        resume->dialect == RESUME_BY_DRAFT ? REFUSAL_SIZE_MISMATCH : REFUSAL_OFFSET_MISMATCH;
    snprintf(detail, sizeof detail,
             "the upload has %" PRIu64 " bytes in all, and this file %" PRIu64, held->length,
             resume->total);
    return resume_refuse_at(resume, reason, held->offset, detail);
}

/* The draft wants the offset to be judged before the length. */
static enum step_result compare_range(struct resume_flow *resume)
{
    char detail[128];
    const struct held_facts *held = &resume->held;
    bool by_draft = resume->dialect == RESUME_BY_DRAFT;
    bool other_length = resume->total && resume->total != held->length;
    if (other_length && !by_draft)
        return refuse_length(resume);
    if (held->moving)
        return resume_refuse_at(resume, REFUSAL_UPLOAD_MOVING, held->offset,
                                "another connection is sending it");
    if (resume->dialect == RESUME_BY_RANGE && resume->first < held->offset)
        return STEP_NEXT; /* the upload compares what comes again */
    if (resume->first == held->offset)
        return other_length ? refuse_length(resume) : compare_count(resume);
    snprintf(detail, sizeof detail, "go on after %" PRIu64 " bytes", held->offset);
    return resume_refuse_at(resume, REFUSAL_OFFSET_MISMATCH, held->offset, detail);
}

/* What Glance has of the upload is in the store that was right when it began. */
enum step_result resume_judge(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    enum step_result allowed = ask_policy(resume);
    if (allowed != STEP_NEXT)
        return allowed;
    if (!resume_find_held(resume))
        return resume_answer_without(resume);
    if (!resume->held.same_store && !resume->check.decision.audit) {
        held_uploads_drop(x->parts->held_uploads, resume->check.image.id,
                          "the policy names another store now");
        return resume_refuse_at(
            resume, REFUSAL_OFFSET_MISMATCH, 0,
            "the policy names another store now; start again with the whole file");
    }
    return compare_range(resume);
}
