/* SPDX-License-Identifier: Apache-2.0 */
/* What the head of a request about a held upload says, in each dialect. */
#include "exchange/resume/resume_steps.h"

#include "intake/client.h"
#include "intake/content_range.h"
#include "intake/draft.h"
#include "intake/tus.h"

bool resume_reads_range(const struct client *client, struct resume_flow *resume)
{
    struct content_range range;
    const struct framing_facts *framing = client_framing(client);
    if (framing->framing != FRAMING_LENGTH ||
        content_range_read(&client_head(client)->headers, framing->length, &range) ||
        !range.present || range.first == 0)
        return false;
    if (resume) {
        resume->first = range.first;
        resume->count = range.last - range.first + 1;
        resume->total = range.total;
    }
    return true;
}

static enum step_result read_tus_part(struct resume_flow *resume)
{
    struct exchange *x = &resume->x;
    struct tus_part part = {0};
    const char *detail = "";
    enum refusal reason =
        tus_read_part(&client_head(x->client)->headers, client_framing(x->client), &part, &detail);
    resume->first = part.offset;
    resume->count = part.count;
    return reason ? exchange_refuse_for(x, reason, "%s", detail) : STEP_NEXT;
}

static enum step_result read_draft_part(struct resume_flow *resume)
{
    struct exchange *x = &resume->x;
    struct draft_part part = {0};
    const char *detail = "";
    const struct headers *headers = &client_head(x->client)->headers;
    enum refusal reason = draft_read_part(headers, client_framing(x->client), &part, &detail);
    resume->first = part.offset;
    resume->count = part.count;
    resume->total = part.length_known ? part.length : 0;
    resume->completes = draft_completeness(headers) == DRAFT_COMPLETE;
    return reason ? exchange_refuse_for(x, reason, "%s", detail) : STEP_NEXT;
}

static enum step_result admit_data(struct resume_flow *resume)
{
    struct exchange *x = &resume->x;
    if (x->parts->drain == DRAIN_STOPPING)
        return exchange_refuse(x, REFUSAL_DRAINING);
    if (headers_get(&client_head(x->client)->headers, "Content-Encoding"))
        return exchange_refuse(x, REFUSAL_CONTENT_ENCODING);
    switch (resume->dialect) {
    case RESUME_BY_TUS:
        return read_tus_part(resume);
    case RESUME_BY_DRAFT:
        return read_draft_part(resume);
    default:
        return STEP_NEXT;
    }
}

enum step_result resume_admit(struct exchange *x)
{
    struct resume_flow *resume = resume_of(x);
    if (resume->verb == RESUME_DESCRIBE) /* a client need not know the version before it */
        return resume_describe(resume);
    if (resume->dialect == RESUME_BY_TUS) {
        enum refusal reason = tus_check_version(&client_head(x->client)->headers);
        if (reason)
            return exchange_refuse(x, reason);
    }
    return resume->verb == RESUME_SEND ? admit_data(resume) : STEP_NEXT;
}
