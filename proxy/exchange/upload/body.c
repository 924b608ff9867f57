/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an upload before it is sent: its filters are made, its first 64 KiB are checked, and
 * a body without a length is spooled. If the size becomes known only then, the policy is asked
 * again.
 */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

#include <sys/param.h>

enum { JUDGE_EVERY = 1 << 20 }; /* bytes that are spooled */

/* The spool or a digest thread has finished something. */
static void wake(void *context)
{
    upload_wake(upload_of(context));
}

/* The client's part of the plan, and the worker's. */
static struct body_plan plan_for(struct exchange *x)
{
    const struct upload_flow *upload = upload_of(x);
    bool kept = upload_is_kept(upload);
    bool tls = x->client && client_is_tls(x->client);
    return (struct body_plan){
        .read = kept ? upload_read_kept : upload_source_read,
        .splice = kept || tls ? NULL : upload_source_splice,
        .on_disk = kept,
        .wake = wake,
        .context = x,
        .length_known = upload_framing(upload) != FRAMING_CHUNKED,
        .length = upload_length(upload),
        .content_type =
            x->client ? headers_get(&client_head(x->client)->headers, "Content-Type") : NULL,
        .audit = audit_only(x),
        .form_is_ours = upload_makes_image(upload),
        .settings = x->snapshot->settings,
        .spools = x->parts->spools,
        .digest_threads = x->parts->digest_threads,
        .decompress_threads = x->parts->decompress_threads,
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

bool upload_make_body(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct body_limits limits = upload_limits(upload);
    struct body_plan plan = plan_for(x);
    describe_image(&upload->check.image, &plan);
    hash_algorithm_take(upload);
    stores_algorithm(x->parts->stores, upload->glance_hash);
    plan.promised = upload->head.promised;
    plan.promise = upload->head.promise;
    plan.promises = &upload->head.promises;
    plan.image_promises = &upload->image_promises;
    plan.glance_hash = upload->glance_hash;
    plan.may_be_empty = upload_may_be_empty(&upload->check);
    plan.size_chose = upload_chosen_by_size(upload);
    plan.checks = upload_checks(upload);
    plan.keeps_sums = upload_keeps_sums(upload);
    plan.decompresses =
        plan.checks.compressed == CHECK_DECOMPRESS && plan.disk_format && plan.container_format;
    plan.glance_refuses = late_refusals_expected(upload);
    plan.spools_unknown_length = upload_is_spooled_first(upload);
    plan.checks_wait = upload_decision_waits(upload) && upload->check.decision.checks_by_size;
    upload->body = body_new(&plan);
    if (upload->body)
        body_limit(upload->body, &limits);
    return upload->body != NULL;
}

/* --- slow uploads -------------------------------------------------------------------------- */

/* A slow one takes a place at an endpoint again when it is complete. */
static void note_slow(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    if (upload->slow || !body_is_slow(upload->body))
        return;
    upload->slow = true;
    metrics_slow(x->parts->metrics);
    request_say(&x->request, LOG_LEVEL_INFO,
                "it comes slowly, and Glance gets it when it is complete");
    upload_give_place_back(upload);
}

/* Nothing else would wake the upload while its client sends nothing. */
static void watch_pace(struct exchange *x)
{
    if (x->snapshot->settings->upload.slow == SLOW_UPLOAD_SPOOL && !upload_is_kept(upload_of(x)))
        exchange_wait_at_most(x, BODY_PACE_MS);
}

/* --- prepare ------------------------------------------------------------------------------- */

static void show_progress(struct upload_flow *upload, int ready)
{
    uint64_t spooled = body_spooled(upload->body);
    struct request_record *record = upload->x.record;
    if (!upload_is_kept(upload))
        atomic_store_explicit(&record->spooled, spooled, memory_order_relaxed);
    upload_set_state(upload, spooled && ready == STREAM_WAIT ? RECORD_SPOOLING : RECORD_SENDING);
    note_slow(upload);
}

static int open_body(struct upload_flow *upload)
{
    int ready = body_open(upload->body);
    if (ready == STREAM_WAIT && !body_decompressed(upload->body)) /* else it may need many bytes */
        show_progress(upload, ready);
    return ready;
}

static int prepare_body(struct upload_flow *upload)
{
    int ready = body_prepare(upload->body);
    show_progress(upload, ready);
    return ready;
}

/* What its end needs is asked for while it is spooled, and what cannot fit ends there. */
static enum step_result judge_spooled(struct upload_flow *upload)
{
    uint64_t spooled = body_spooled(upload->body);
    uint64_t so_far = MAX(spooled, upload->size.known ? upload->size.bytes : 0);
    if (!spooled && !upload_is_spooled_first(upload))
        return STEP_WAIT;
    upload->spooled_judged = spooled;
    enum step_result result = upload_judge_spooled_quota(upload, so_far);
    if (result == STEP_NEXT)
        result = upload_judge_spooled_capacity(upload, so_far);
    return result == STEP_NEXT ? STEP_WAIT : result;
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
    if (x->entering && !upload_make_body(upload))
        return exchange_no_memory(x);
    if (x->entering)
        watch_pace(x);
    int ready = open_body(upload);
    /* Whether the data is unpacked decides its size, and so how it is prepared. */
    enum step_result opened = ready == 1 ? upload_unpack(upload) : STEP_NEXT;
    if (opened != STEP_NEXT)
        return opened;
    switch (ready == 1 ? prepare_body(upload) : ready) {
    case STREAM_WAIT:
        return judge_spooled(upload);
    case STREAM_LOST:
        return x->refused.reason ? STEP_REFUSE : exchange_drop_client(x);
    case STREAM_REFUSED:
        upload_note(upload);
        return upload_refuse_body(upload);
    default:
        timer_cancel(x->parts->loop, &x->step_timer);
        return STEP_NEXT;
    }
}

enum step_result upload_prepare_again(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct step *step = x->step;
    upload_rewind_kept(upload);
    upload_release_quota(upload); /* it is reserved again on the way */
    body_free(upload->body);
    upload->body = NULL;
    upload->warnings_noted = upload->violations_noted = 0;
    if (upload->unpacked) {
        upload_forget_unpacked(upload);
        enum step_result decided = upload_decide(x); /* by this size, as when it began */
        if (decided != STEP_NEXT)
            return decided;
    }
    while (step->run != upload_prepare)
        step--;
    exchange_enter(x, step);
    return STEP_ENTERED;
}

bool upload_take_more(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    bool preparing = x->step && x->step->run == upload_prepare && upload->body;
    if (!preparing || open_body(upload) != 1 || upload_is_to_be_unpacked(upload) ||
        prepare_body(upload) != STREAM_WAIT)
        return false;
    if (body_spooled(upload->body) - upload->spooled_judged >= JUDGE_EVERY)
        exchange_wake(x);
    return true;
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
