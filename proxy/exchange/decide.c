/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's part in an upload: which store, or why not; how large it may be.
 *
 * A rule may look at the size. Where that is known only later (the file in a form, a body that is
 * spooled) the decision counts at once only if no size could change it, and is made again when the
 * size is there. */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/upload.h"

#include <inttypes.h>
#include <string.h>

static void ask_policy(struct exchange *x)
{
    const struct headers *headers = &client_head(x->client)->headers;
    const struct policy_facts facts = {
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
        .project = x->image.owner,
        .name = x->image.name,
        .visibility = x->image.visibility,
        .client = x->origin.address,
        .user_agent = headers_get(headers, "User-Agent"),
        .asked_store = x->wish,
        .size_known = x->size_known,
        .size = x->size,
    };
    policy_decide(x->snapshot->policy, &facts, &x->decision);
}

static enum step_result refuse_size(struct exchange *x, uint64_t max)
{
    return exchange_refuse_for(x, REFUSAL_TOO_LARGE,
                               "it has %" PRIu64 " bytes, and the limit is %" PRIu64, x->size, max);
}

static enum step_result obey(struct exchange *x)
{
    const struct policy_decision *decision = &x->decision;
    uint64_t everywhere = x->snapshot->settings->upload.max_size;
    switch (decision->verdict) {
    case POLICY_DENY:
        return exchange_refuse_for(x, REFUSAL_DENIED_BY_POLICY, "%s", decision->why);
    case POLICY_STORE_NOT_ALLOWED:
        return exchange_refuse_for(
            x, REFUSAL_STORE_NOT_ALLOWED, "it asks for %s, and the policy allows %s",
            x->wish ? x->wish : decision->store,
            decision->allowed ? decision->allowed : "any store but Glance's reserved ones");
    case POLICY_TOO_LARGE:
        return refuse_size(x, decision->max_size < everywhere ? decision->max_size : everywhere);
    default:
        return x->size_known && x->size > everywhere ? refuse_size(x, everywhere) : STEP_NEXT;
    }
}

/* A store that Glance does not have: the client's mistake if it was the client's wish. */
static enum step_result look_for_store(struct exchange *x)
{
    const char *store = x->decision.store;
    if (stores_look(x->parts->stores, store) != STORE_MISSING)
        return STEP_NEXT;
    bool wished = x->wish && strcmp(x->wish, store) == 0;
    struct buffer list;
    buffer_init(&list, 1024);
    stores_list(x->parts->stores, &list);
    exchange_refuse_for(x, wished ? REFUSAL_STORE_NOT_ALLOWED : REFUSAL_STORE_UNKNOWN,
                        "it %s %s, and Glance has %s", wished ? "asks for" : "names", store,
                        buffer_text(&list));
    buffer_free(&list);
    return STEP_REFUSE;
}

bool upload_is_put_off(const struct exchange *x)
{
    return x->size_comes && !x->size_known && x->decision.size_ceiling != UINT64_MAX;
}

struct body_limits upload_limits(const struct exchange *x)
{
    uint64_t everywhere = x->snapshot->settings->upload.max_size;
    if (upload_is_put_off(x))
        return (struct body_limits){everywhere, UINT64_MAX, UINT64_MAX};
    const struct policy_decision *decision = &x->decision;
    return (struct body_limits){
        .max_size = decision->max_size < everywhere ? decision->max_size : everywhere,
        .size_ceiling = x->size_known ? UINT64_MAX : decision->size_ceiling,
        .max_virtual_size = decision->max_virtual_size,
    };
}

enum step_result upload_decide(struct exchange *x)
{
    ask_policy(x);
    if (upload_is_put_off(x))
        return STEP_NEXT;
    const char *store = x->upload->stage ? NULL : x->decision.store;
    if (!uploads_decided(x->parts->uploads, x->upload, x->decision.rule, store))
        return exchange_no_memory(x);
    enum step_result obeyed = obey(x);
    return obeyed == STEP_NEXT && store ? look_for_store(x) : obeyed;
}
