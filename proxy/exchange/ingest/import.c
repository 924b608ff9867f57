/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v2/images/{id}/import: no data comes, but stores are chosen, and for some methods Glance
 * fetches the data itself. The image's rule decides as for an upload, once the body has been read
 * (buffer_body.c) and Glance was asked for the image and its stores (preflight.c). */
#include "exchange/ingest/ingest_steps.h"
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"
#include "intake/ingest.h"
#include "intake/memory.h"
#include "intake/record.h"
#include "intake/snapshot.h"
#include "intake/upload_locks.h"

#include <stdlib.h>
#include <string.h>

enum { STORES_TEXT_MAX = STORES_MAX * (POLICY_NAME_MAX + 2) };

static const char STORE[] = "X-Image-Meta-Store";

enum step_result import_begin(struct exchange *x)
{
    return exchange_begin_record(x, RECORD_IMPORT) ? STEP_NEXT : exchange_no_memory(x);
}

/* What is asked for, what Glance has, and what the policy says of it. */
struct import {
    struct import_request request;
    struct buffer there_text; /* cut into `there` */
    const char *there[STORES_MAX];
    size_t there_count; /* 0: not known */
    struct import_decision decision;
};

static void import_free(struct import *import)
{
    import_request_free(&import->request);
    buffer_free(&import->there_text);
}

/* --- the policy ---------------------------------------------------------------------------- */

static bool find_stores(struct exchange *x, struct import *import)
{
    buffer_init(&import->there_text, STORES_TEXT_MAX);
    if (!stores_list(x->parts->stores, &import->there_text))
        return false;
    char *rest = import->there_text.data;
    for (char *name; rest && (name = strsep(&rest, ",")) && import->there_count < STORES_MAX;)
        import->there[import->there_count++] = name + strspn(name, " ");
    return true;
}

static void ask_policy(struct exchange *x, struct import *import)
{
    struct policy_facts facts = upload_facts(x);
    facts.import_method = import->request.method;
    facts.size_known = x->image.size_known;
    facts.size = x->image.size;
    const struct import_stores_requested requested = {
        .header = x->requested,
        .listed = import->request.listed,
        .stores = (const char *const *)import->request.stores,
        .store_count = import->request.store_count,
        .all = import->request.all,
        .glance_stores = import->there_count ? import->there : NULL,
        .glance_store_count = import->there_count,
    };
    policy_decide_import(x->snapshot->policy, &facts, &requested, &import->decision);
    x->decision = import->decision.policy;
    if (import->decision.change == IMPORT_KEEP)
        x->decision.store = NULL; /* it is the request's, which does not last */
}

static bool decide(struct exchange *x, struct import *import)
{
    if (!requested_store(&client_head(x->client)->headers, &x->requested) ||
        !find_stores(x, import))
        return false;
    ask_policy(x, import);
    return true;
}

/* --- the record ---------------------------------------------------------------------------- */

static bool join(const char *const *names, size_t count, struct buffer *out)
{
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++)
        fits = buffer_print(out, "%s%s", i ? ", " : "", names[i]);
    return fits;
}

/* "file, test"; NULL: it is not known where it goes, or goes nowhere. */
static const char *stores_text(const struct exchange *x, const struct import *import,
                               struct buffer *out)
{
    const struct import_decision *decision = &import->decision;
    const struct import_request *request = &import->request;
    if (decision->policy.verdict != POLICY_ACCEPT)
        return NULL;
    if (decision->change != IMPORT_KEEP && audit_only(x))
        return x->requested;
    if (decision->policy.store)
        return decision->policy.store;
    bool fits = request->all
                    ? join(import->there, import->there_count, out)
                    : join((const char *const *)request->stores, request->store_count, out);
    return fits && out->len ? buffer_text(out) : NULL;
}

static enum step_result record(struct exchange *x, const struct import *import)
{
    struct buffer text;
    buffer_init(&text, STORES_TEXT_MAX);
    bool good = records_decided(x->parts->records, x->record, x->decision.rule,
                                stores_text(x, import, &text));
    buffer_free(&text);
    x->record->method = strndup(import->request.method, POLICY_NAME_MAX);
    x->record->project = x->image.owner ? strdup(x->image.owner) : NULL;
    good = good && x->record->method && (x->record->project || !x->image.owner);
    return good ? STEP_NEXT : exchange_no_memory(x);
}

/* --- obeyed -------------------------------------------------------------------------------- */

static enum step_result judge_verdict(struct exchange *x, const struct import *import)
{
    const struct policy_decision *decision = &x->decision;
    switch (decision->verdict) {
    case POLICY_DENY:
        return report_violation_for(x, REFUSAL_DENIED_BY_POLICY, "%s", decision->why);
    case POLICY_METHOD_DENIED:
        return report_violation_for(x, REFUSAL_DENIED_BY_POLICY, "imports by %s are closed",
                                    x->record->method);
    case POLICY_STORE_NOT_ALLOWED:
        return report_violation_for(
            x, REFUSAL_STORE_NOT_ALLOWED, "it asks for %s, and the policy allows %s",
            import->decision.refused,
            decision->allowed ? decision->allowed : "any store but Glance's reserved ones");
    case POLICY_TOO_LARGE:
        return upload_report_size(x, x->image.size, decision->max_size);
    default:
        return STEP_NEXT;
    }
}

static enum step_result judge_stores(struct exchange *x, const struct import *import)
{
    const struct import_request *request = &import->request;
    if (x->decision.verdict != POLICY_ACCEPT)
        return STEP_NEXT;
    if (import->decision.change != IMPORT_KEEP)
        return upload_look_for_store(x, x->decision.store, false);
    enum step_result result =
        x->requested ? upload_look_for_store(x, x->requested, true) : STEP_NEXT;
    for (size_t i = 0; i < request->store_count && result == STEP_NEXT; i++)
        result = upload_look_for_store(x, request->stores[i], true);
    return result;
}

/* Glance would import what it has of data that is still being staged, here or elsewhere. A stage
 * sets the size at its end. */
static enum step_result upload_lock(struct exchange *x, const struct import *import)
{
    const struct image *image = &x->image;
    bool unfinished = strcmp(import->request.method, "glance-direct") == 0 && !image->size_known &&
                      image->status && strcmp(image->status, "uploading") == 0;
    enum step_result result = upload_lock_image(x); /* of one here it is known how far it is */
    if (result == STEP_NEXT && unfinished && stores_tell_stage_sizes(x->parts->stores))
        result = report_violation_for(x, REFUSAL_UPLOAD_IN_PROGRESS,
                                      "its data is still being staged: its status is uploading, "
                                      "and Glance does not tell its size yet");
    if (result == STEP_NEXT)
        upload_lock_send(x->upload_lock, true);
    return result;
}

static bool rewrite(struct exchange *x)
{
    struct buffer written;
    buffer_init(&written, 2 * x->held.max); /* a number may be longer as jansson writes it */
    if (!import_rewrite(buffer_text(&x->held), x->held.len, x->decision.store, &written)) {
        buffer_free(&written);
        return false;
    }
    buffer_free(&x->held);
    x->held = written;
    return true;
}

static enum step_result change(struct exchange *x, const struct import *import)
{
    if (import->decision.change == IMPORT_KEEP)
        return STEP_NEXT;
    if (audit_only(x)) {
        x->record->audit_fixes |= FIX_STORE;
        return STEP_NEXT;
    }
    x->record->fixes |= FIX_STORE;
    x->import_change = import->decision.change;
    return x->import_change != IMPORT_SET_BODY || rewrite(x) ? STEP_NEXT : exchange_no_memory(x);
}

static enum step_result obey(struct exchange *x, const struct import *import)
{
    static enum step_result (*const obeys[])(struct exchange *, const struct import *) = {
        record, judge_verdict, judge_stores, upload_lock, change};
    enum step_result result = audit_decided(x);
    for (size_t i = 0; i < sizeof obeys / sizeof *obeys && result == STEP_NEXT; i++)
        result = obeys[i](x, import);
    return result;
}

enum step_result import_judge(struct exchange *x)
{
    struct import import = {0};
    if (x->unread)
        return STEP_NEXT;
    const char *fault = import_read(buffer_text(&x->held), x->held.len, &import.request);
    if (fault == NO_MEMORY)
        return exchange_no_memory(x);
    if (fault)
        return ingest_report(x, REFUSAL_JSON_MALFORMED, fault);
    audit_begin(x);
    enum step_result result = decide(x, &import) ? obey(x, &import) : exchange_no_memory(x);
    import_free(&import);
    return result;
}

/* --- to Glance ----------------------------------------------------------------------------- */

/* Glance answers 400 to two ways of asking at once: the header stays only where the body has none.
 */
bool import_fields(const struct exchange *x, struct headers *out)
{
    static const char *const of_the_body[] = {"Content-Digest", "Content-MD5", "Digest",
                                              "Repr-Digest"};
    if (x->import_change == IMPORT_KEEP)
        return true;
    headers_remove(out, STORE);
    if (x->import_change == IMPORT_SET_HEADER)
        return headers_add(out, STORE, x->decision.store);
    for (size_t i = 0; i < sizeof of_the_body / sizeof *of_the_body; i++)
        headers_remove(out, of_the_body[i]);
    return true;
}
