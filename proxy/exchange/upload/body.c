/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an upload before it is sent: its filters are made, its first 64 KiB are checked, and
 * a body without a length is spooled. If the size becomes known only then, the policy is asked
 * again.
 */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/record.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

static ssize_t read_client(void *context, void *into, size_t room)
{
    struct exchange *x = context;
    return x->client ? client_read(x->client, into, room) : STREAM_LOST;
}

static ssize_t splice_client(void *context, int pipe, size_t room)
{
    struct exchange *x = context;
    return x->client ? client_splice(x->client, pipe, room) : STREAM_LOST;
}

/* The spool or a digest thread has finished something. */
static void wake(void *context)
{
    struct exchange *x = context;
    if (x->glance.transfer)
        transfer_write_on(x->glance.transfer);
    else
        exchange_wake(x);
}

/* The client's part of the plan, and the worker's. */
static struct body_plan plan_for(struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    return (struct body_plan){
        .read = read_client,
        .splice = client_is_tls(x->client) ? NULL : splice_client,
        .wake = wake,
        .context = x,
        .length_known = framing->framing != FRAMING_CHUNKED,
        .length = framing->length,
        .content_type = headers_get(&client_head(x->client)->headers, "Content-Type"),
        .audit = audit_only(x),
        .settings = x->snapshot->settings,
        .spools = x->parts->spools,
        .digest_threads = x->parts->digest_threads,
        .loop = x->parts->loop,
    };
}

static void describe_image(const struct image *image, struct body_plan *plan)
{
    plan->disk_format = image->disk_format;
    plan->container_format = image->container_format;
    plan->vmware_disktype = image->vmware_disktype;
    plan->hypervisor = image->hypervisor;
}

static bool make_body(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct body_limits limits = upload_limits(upload);
    struct body_plan plan = plan_for(x);
    describe_image(&upload->check.image, &plan);
    stores_algorithm(x->parts->stores, upload->glance_hash);
    plan.promised = upload->head.promised;
    plan.promise = upload->head.promise;
    plan.promises = &upload->head.promises;
    plan.image_promises = &upload->image_promises;
    plan.glance_hash = upload->glance_hash;
    plan.may_be_empty = upload_may_be_empty(&upload->check);
    plan.size_chose = upload_chosen_by_size(upload);
    plan.checks = upload_checks(upload);
    plan.glance_refuses = glance_checks_expected(upload);
    plan.checks_wait = upload_decision_waits(upload) && upload->check.decision.checks_by_size;
    upload->body = body_new(&plan);
    if (upload->body)
        body_limit(upload->body, &limits);
    return upload->body != NULL;
}

/* --- prepare ------------------------------------------------------------------------------- */

static int prepare_body(struct upload_flow *upload)
{
    int ready = body_prepare(upload->body);
    atomic_store_explicit(&upload->x.record->spooled, body_spooled(upload->body),
                          memory_order_relaxed);
    return ready;
}

enum step_result upload_refuse_body(struct upload_flow *upload)
{
    const char *detail;
    enum refusal reason = body_refusal(upload->body, &detail);
    return exchange_refuse_for(&upload->x, reason, "%s", detail);
}

enum step_result upload_prepare(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    if (x->entering && !make_body(upload))
        return exchange_no_memory(x);
    switch (prepare_body(upload)) {
    case STREAM_WAIT:
        return STEP_WAIT;
    case STREAM_LOST:
        return exchange_drop_client(x);
    case STREAM_REFUSED:
        upload_note(upload);
        return upload_refuse_body(upload);
    default:
        return STEP_NEXT;
    }
}

bool upload_take_more(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    bool preparing = x->step && x->step->run == upload_prepare && upload->body;
    return preparing && prepare_body(upload) == STREAM_WAIT;
}

/* --- settle -------------------------------------------------------------------------------- */

static enum step_result decide_again(struct upload_flow *upload, uint64_t size)
{
    upload->size.known = true;
    upload->size.bytes = size;
    enum step_result decided = upload_decide(&upload->x);
    if (decided != STEP_NEXT)
        return decided;
    const struct body_limits limits = upload_limits(upload);
    if (audit_only(&upload->x))
        body_audit(upload->body);
    body_limit(upload->body, &limits);
    return STEP_NEXT;
}

/* In audit mode the decision is final: the body goes on as sent, form and all. */
static bool has_new_size(const struct upload_flow *upload, uint64_t *size)
{
    return !audit_only(&upload->x) && body_length(upload->body, size) &&
           (!upload->size.known || upload->size.bytes != *size);
}

enum step_result upload_reevaluate(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    const char *detail;
    uint64_t size;
    upload_note(upload);
    if (has_new_size(upload, &size)) {
        enum step_result decided = decide_again(upload, size);
        if (decided != STEP_NEXT)
            return decided;
    }
    const struct check_levels checks = upload_checks(upload);
    body_checks(upload->body, &checks);
    upload_note(upload);
    return body_refusal(upload->body, &detail) ? upload_refuse_body(upload) : STEP_NEXT;
}
