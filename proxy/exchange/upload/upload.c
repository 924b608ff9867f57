/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v2/images/{id}/file (and /stage, which has no store): the order of an upload, in one place.
 *
 *   admit      what can be said from the head alone                          (admit.c)
 *   preflight  the image, the project's limits, the stores, asked of Glance  (preflight.c)
 *   judge      is the image waiting for data, for nobody else's, and of which format?
 * (check_image.c) decide     the policy: which store, or why not; the size (decide.c) room       is
 * there room for it in the store?                            (check_capacity.c) quota      and in
 * what its project may keep?                             (check_quota.c) invite     only now 100
 * Continue; wait for the first byte prepare    the opening is read and judged; what has no length
 * is spooled (proxy/body/) settle     decide again if the size has become known only now; quota and
 * room again turn       is another upload to the image being sent?                    (wait_turn.c)
 *   send       PUT to Glance, piece by piece                                 (send.c)
 *   prove      what has become of it there?                                  (verify.c)
 *   answer     Glance's answer, and what was done
 */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/client.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stream.h"
#include "intake/upload_locks.h"

#include <stdio.h>
#include <string.h>

/* --- decide ---------------------------------------------------------------------------- */

static enum step_result decide(struct exchange *x)
{
    /* Data that is staged has no store yet: Glance ignores the field there. */
    if (x->record->kind != RECORD_STAGE &&
        !requested_store(&client_head(x->client)->headers, &x->requested))
        return exchange_no_memory(x);
    return upload_decide(x);
}

/* --- invite, prepare, settle ----------------------------------------------------------- */

/* Without a body there is nothing to invite. */
static enum step_result invite(struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    if (x->entering) {
        records_enter(x->parts->records, x->record);
        if (framing->framing != FRAMING_CHUNKED && framing->length == 0)
            return STEP_NEXT;
        client_invite(x->client);
        return STEP_WAIT;
    }
    return x->readable ? STEP_NEXT : STEP_WAIT;
}

static ssize_t read_client(void *context, void *into, size_t room)
{
    struct exchange *x = context;
    return x->client ? client_read(x->client, into, room) : STREAM_LOST;
}

static ssize_t move_client(void *context, int pipe, size_t room)
{
    struct exchange *x = context;
    return x->client ? client_splice(x->client, pipe, room) : STREAM_LOST;
}

/* The spool has something to say, or who hashes. */
static void wake(void *context)
{
    struct exchange *x = context;
    if (x->transfer)
        transfer_write_on(x->transfer);
    else
        exchange_wake(x);
}

static bool make_body(struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    const struct body_plan plan = {
        .read = read_client,
        .splice = client_is_tls(x->client) ? NULL : move_client,
        .wake = wake,
        .context = x,
        .length_known = framing->framing != FRAMING_CHUNKED,
        .length = framing->length,
        .promised = x->promised,
        .promise = x->promise,
        .content_type = headers_get(&client_head(x->client)->headers, "Content-Type"),
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
        .vmware_disktype = x->image.vmware_disktype,
        .hypervisor = x->image.hypervisor,
        .promises = &x->promises,
        .image_promises = &x->image_promises,
        .glance_hash = x->glance_hash,
        .may_be_empty = upload_may_be_empty(x),
        .audit = audit_only(x),
        .size_chose = upload_chosen_by_size(x),
        .settings = x->snapshot->settings,
        .checks = upload_checks(x),
        .glance_refuses = inspected_refuses(x),
        .checks_wait = upload_decision_waits(x) && x->decision.checks_by_size,
        .spools = x->parts->spools,
        .digest_threads = x->parts->digest_threads,
        .loop = x->parts->loop,
    };
    const struct body_limits limits = upload_limits(x);
    stores_algorithm(x->parts->stores, x->glance_hash);
    x->body = body_new(&plan);
    if (x->body)
        body_limit(x->body, &limits);
    return x->body != NULL;
}

static int prepare_body(struct exchange *x)
{
    int ready = body_prepare(x->body);
    atomic_store_explicit(&x->record->spooled, body_spooled(x->body), memory_order_relaxed);
    return ready;
}

static enum step_result prepare(struct exchange *x)
{
    if (x->entering && !make_body(x))
        return exchange_no_memory(x);
    switch (prepare_body(x)) {
    case STREAM_WAIT:
        return STEP_WAIT;
    case STREAM_LOST:
        return upload_drop_client(x);
    case STREAM_REFUSED:
        upload_note(x);
        return upload_refuse_body(x);
    default:
        return STEP_NEXT;
    }
}

bool upload_takes_more(struct exchange *x)
{
    bool preparing = x->step && x->step->run == prepare && x->body;
    return preparing && prepare_body(x) == STREAM_WAIT;
}

static enum step_result decide_again(struct exchange *x, uint64_t size)
{
    x->size_known = true;
    x->size = size;
    enum step_result decided = upload_decide(x);
    if (decided != STEP_NEXT)
        return decided;
    const struct body_limits limits = upload_limits(x);
    if (audit_only(x))
        body_audit(x->body);
    body_limit(x->body, &limits);
    return STEP_NEXT;
}

/* What is only watched was decided once for all: its size is what Glance is sent, form and all. */
static enum step_result settle(struct exchange *x)
{
    const char *detail;
    uint64_t size;
    upload_note(x);
    if (!audit_only(x) && body_length(x->body, &size) && (!x->size_known || x->size != size)) {
        enum step_result decided = decide_again(x, size);
        if (decided != STEP_NEXT)
            return decided;
    }
    const struct check_levels checks = upload_checks(x);
    body_checks(x->body, &checks);
    upload_note(x);
    return body_refusal(x->body, &detail) ? upload_refuse_body(x) : STEP_NEXT;
}

/* --- answer ---------------------------------------------------------------------------- */

enum step_result upload_pass_answer(struct exchange *x)
{
    struct reply reply;
    if (!glance_reply(x, &reply) || (x->record && !headers_of_answer(x, &reply.headers)))
        return exchange_no_memory(x);
    if (x->record && !x->answered_for)
        x->record->glance_status = reply.status;
    exchange_answer(x, &reply);
    return STEP_END;
}

static enum step_result answer(struct exchange *x)
{
    bool stored = x->answer.status / 100 == 2;
    x->record->verdict = stored ? VERDICT_STORED : VERDICT_REJECTED;
    if (stored && !x->record->verified[0])
        snprintf(x->record->verified, sizeof x->record->verified, "no");
    return upload_pass_answer(x);
}

/* clang-format off */
const struct step UPLOAD_STEPS[] = {
    {"admit", upload_admit},
    {"preflight", upload_preflight},
    {"judge", upload_check_image},
    {"decide", decide},
    {"room", upload_check_capacity},
    {"quota", upload_check_quota_early},
    {"invite", invite},
    {"prepare", prepare},
    {"settle", settle},
    {"quota", upload_quota},
    {"room", upload_check_capacity},
    {"turn", upload_wait_turn},
    {"send", upload_send},
    {"count", upload_counted},
    {"prove", upload_verify},
    {"answer", answer},
    {NULL, NULL},
};
/* clang-format on */

/* --- the record of it ------------------------------------------------------------------ */

static void note_warnings(struct exchange *x)
{
    const struct body_note *rows;
    size_t count = body_warnings(x->body, &rows);
    for (; x->warnings_noted < count; x->warnings_noted++) {
        const struct body_note *row = &rows[x->warnings_noted];
        x->record->warnings |= refusal_bit(row->reason);
        metrics_warned(x->parts->metrics, row->reason);
        log_say(LOG_LEVEL_WARNING, "%s: let pass: %s%s%s", x->request_id,
                refusal_row(row->reason)->name, row->detail[0] ? ": " : "", row->detail);
    }
}

/* Told when it is new: a format may give something late in the body. */
void upload_note(struct exchange *x)
{
    const struct body_note *rows;
    size_t count = body_audited(x->body, &rows);
    note_warnings(x);
    for (; x->audited_noted < count; x->audited_noted++)
        report_violation_for(x, rows[x->audited_noted].reason, "%s", rows[x->audited_noted].detail);
}

void upload_client_lost(struct exchange *x)
{
    if (x->record)
        x->record->verdict = VERDICT_ABORTED;
}

static enum record_verdict verdict_of(const struct exchange *x)
{
    switch (x->refusal) {
    case REFUSAL_NONE:
        return x->record->glance_status ? VERDICT_REJECTED : VERDICT_ABORTED;
    case REFUSAL_GLANCE_FAILED:
    case REFUSAL_GLANCE_TIMEOUT:
    case REFUSAL_GLANCE_UNREACHABLE:
    case REFUSAL_OUT_OF_MEMORY:
    case REFUSAL_VERIFY_FAILED:
        return VERDICT_FAILED;
    default:
        return VERDICT_REFUSED;
    }
}

static void let_go(struct exchange *x)
{
    upload_lock_release(x->upload_lock);
    x->upload_lock = NULL;
    capacity_release(&x->room);
    quota_release(&x->reservation, x->body && body_finished(x->body));
}

/* However it ended: one line in the log, the metrics, and the list of the last hundred. */
void upload_release(struct exchange *x)
{
    if (!x->record)
        return;
    let_go(x);
    x->record->reason = x->refusal;
    if (x->record->verdict == VERDICT_RUNNING)
        x->record->verdict = verdict_of(x);
    records_leave(x->parts->records, x->record);
    x->record = NULL;
}
