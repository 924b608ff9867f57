/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v2/images/{id}/import: no data comes, but stores are chosen, and for some methods Glance
 * fetches the data itself. The image's rule decides as for an upload, after the body was buffered
 * (buffer_body.c) and Glance was asked for the image and its stores. The quota is not checked: only
 * Glance knows the size, and it checks the quota itself. */
#include "exchange/ingest/ingest_steps.h"

#include "intake/client.h"
#include "intake/ingest.h"
#include "intake/memory.h"
#include "intake/record.h"
#include "intake/snapshot.h"
#include "intake/stores.h"
#include "intake/upload_locks.h"

#include <stdlib.h>
#include <string.h>

enum { STORES_TEXT_MAX = STORES_MAX * (POLICY_NAME_MAX + 2) };

static const char STORE[] = "X-Image-Meta-Store";

enum step_result import_begin(struct exchange *x)
{
    return exchange_begin_record(x, RECORD_IMPORT) ? STEP_NEXT : exchange_no_memory(x);
}

enum step_result import_preflight(struct exchange *x)
{
    struct image_check *check = &ingest_of(x)->check;
    if (!x->entering)
        return image_check_wait(x, check);
    return image_check_begin(x, check) && image_check_ask_image(x, check, FETCH_TIMEOUT_MS) &&
                   image_check_ask_stores(x, check)
               ? STEP_WAIT
               : exchange_no_memory(x);
}

/* What is asked for, what Glance has, and what the policy decides. */
struct import {
    struct exchange *x;
    struct ingest_flow *ingest;
    struct import_request request;
    struct buffer glance_stores_text; /* cut into `glance_stores` */
    const char *glance_stores[STORES_MAX];
    size_t glance_store_count; /* 0: not known */
    struct import_decision decision;
};

static void import_free(struct import *import)
{
    import_request_free(&import->request);
    buffer_free(&import->glance_stores_text);
}

/* --- the policy ---------------------------------------------------------------------------- */

static bool find_stores(struct import *import)
{
    const char **names = import->glance_stores;
    buffer_init(&import->glance_stores_text, STORES_TEXT_MAX);
    if (!stores_list(import->x->parts->stores, &import->glance_stores_text))
        return false;
    char *rest = import->glance_stores_text.data;
    for (char *name;
         rest && (name = strsep(&rest, ",")) && import->glance_store_count < STORES_MAX;)
        names[import->glance_store_count++] = name + strspn(name, " ");
    return true;
}

static void ask_policy(struct import *import)
{
    struct image_check *check = &import->ingest->check;
    struct policy_facts facts = image_check_facts(import->x, check);
    facts.import_method = import->request.method;
    facts.size_known = check->image.size_known;
    facts.size = check->image.size;
    const struct import_stores_requested requested = {
        .header = check->requested_store,
        .listed = import->request.listed,
        .stores = (const char *const *)import->request.stores,
        .store_count = import->request.store_count,
        .all = import->request.all,
        .glance_stores = import->glance_store_count ? import->glance_stores : NULL,
        .glance_store_count = import->glance_store_count,
    };
    policy_decide_import(import->x->snapshot->policy, &facts, &requested, &import->decision);
    check->decision = import->decision.policy;
    if (import->decision.change == IMPORT_KEEP)
        check->decision.store = NULL; /* it belongs to `request`, which is freed earlier */
}

static bool decide(struct import *import)
{
    const struct headers *headers = &client_head(import->x->client)->headers;
    if (!requested_store(headers, &import->ingest->check.requested_store) || !find_stores(import))
        return false;
    ask_policy(import);
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

/* "file, test"; NULL: the stores are not known, or there are none. */
static const char *stores_text(const struct import *import, struct buffer *out)
{
    const struct import_decision *decision = &import->decision;
    const struct import_request *request = &import->request;
    if (decision->policy.verdict != POLICY_ACCEPT)
        return NULL;
    if (decision->change != IMPORT_KEEP && audit_only(import->x))
        return import->ingest->check.requested_store;
    if (decision->policy.store)
        return decision->policy.store;
    bool fits = request->all
                    ? join(import->glance_stores, import->glance_store_count, out)
                    : join((const char *const *)request->stores, request->store_count, out);
    return fits && out->len ? buffer_text(out) : NULL;
}

static enum step_result record(struct import *import)
{
    struct buffer text;
    struct exchange *x = import->x;
    const struct image *image = &import->ingest->check.image;
    buffer_init(&text, STORES_TEXT_MAX);
    bool good = records_decided(x->parts->records, x->record, import->decision.policy.rule,
                                stores_text(import, &text));
    buffer_free(&text);
    x->record->method = strndup(import->request.method, POLICY_NAME_MAX);
    good = good && x->record->method && record_describe_image(x->record, image->owner, image->name);
    return good ? STEP_NEXT : exchange_no_memory(x);
}

/* --- obeyed -------------------------------------------------------------------------------- */

static enum step_result check_verdict(struct import *import)
{
    struct exchange *x = import->x;
    const struct policy_decision *decision = &import->decision.policy;
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
        return report_too_large(x, import->ingest->check.image.size, decision->max_size);
    default:
        return STEP_NEXT;
    }
}

static enum step_result check_stores(struct import *import)
{
    struct exchange *x = import->x;
    const struct import_request *request = &import->request;
    const struct image_check *check = &import->ingest->check;
    if (check->decision.verdict != POLICY_ACCEPT)
        return STEP_NEXT;
    if (import->decision.change != IMPORT_KEEP)
        return report_missing_store(x, check->decision.store, false);
    enum step_result result =
        check->requested_store ? report_missing_store(x, check->requested_store, true) : STEP_NEXT;
    for (size_t i = 0; i < request->store_count && result == STEP_NEXT; i++)
        result = report_missing_store(x, request->stores[i], true);
    return result;
}

/* Data is still being staged, here or elsewhere. A stage sets the size at its end. */
static bool is_unfinished(const struct import *import)
{
    const struct image *image = &import->ingest->check.image;
    return strcmp(import->request.method, "glance-direct") == 0 && !image->size_known &&
           image->status && strcmp(image->status, "uploading") == 0;
}

/* Glance would import the part of the data that is already staged. */
static enum step_result lock(struct import *import)
{
    struct exchange *x = import->x;
    struct image_check *check = &import->ingest->check;
    enum step_result result = image_check_lock(x, check, &(struct upload_size){0});
    if (result == STEP_NEXT && is_unfinished(import) && stores_tell_stage_sizes(x->parts->stores))
        result = report_violation_for(x, REFUSAL_UPLOAD_IN_PROGRESS,
                                      "its data is still being staged: its status is uploading, "
                                      "and Glance does not tell its size yet");
    if (result == STEP_NEXT)
        upload_lock_send(check->lock, true);
    return result;
}

static bool rewrite(struct buffer *text, const char *store)
{
    struct buffer written;
    buffer_init(&written, 2 * text->max); /* a number may be longer as jansson writes it */
    if (!import_rewrite(buffer_text(text), text->len, store, &written)) {
        buffer_free(&written);
        return false;
    }
    buffer_free(text);
    *text = written;
    return true;
}

static enum step_result change(struct import *import)
{
    struct exchange *x = import->x;
    struct ingest_flow *ingest = import->ingest;
    if (import->decision.change == IMPORT_KEEP)
        return STEP_NEXT;
    if (audit_only(x)) {
        x->record->audit_fixes |= FIX_STORE;
        return STEP_NEXT;
    }
    x->record->fixes |= FIX_STORE;
    ingest->change = import->decision.change;
    bool good = ingest->change != IMPORT_SET_BODY ||
                rewrite(&ingest->body.text, ingest->check.decision.store);
    return good ? STEP_NEXT : exchange_no_memory(x);
}

static enum step_result obey(struct import *import)
{
    static enum step_result (*const obeys[])(struct import *) = {record, check_verdict,
                                                                 check_stores, lock, change};
    enum step_result result = audit_decided(import->x, import->ingest->check.decision.audit);
    for (size_t i = 0; i < sizeof obeys / sizeof *obeys && result == STEP_NEXT; i++)
        result = obeys[i](import);
    return result;
}

enum step_result import_decide(struct exchange *x)
{
    struct ingest_flow *ingest = ingest_of(x);
    struct import import = {.x = x, .ingest = ingest};
    const struct buffer *text = &ingest->body.text;
    if (ingest->body.unchecked)
        return STEP_NEXT;
    const char *fault = import_read(buffer_text(text), text->len, &import.request);
    if (fault == NO_MEMORY)
        return exchange_no_memory(x);
    if (fault)
        return ingest_report(x, REFUSAL_JSON_MALFORMED, fault);
    audit_begin(x);
    enum step_result result = decide(&import) ? obey(&import) : exchange_no_memory(x);
    import_free(&import);
    return result;
}

/* --- to Glance ----------------------------------------------------------------------------- */

/* Glance answers 400 if the store is set in the header and in the body, so the header stays only if
 * the body does not set it. */
bool import_change_headers(const struct exchange *x, struct headers *out)
{
    static const char *const of_the_body[] = {"Content-Digest", "Content-MD5", "Digest",
                                              "Repr-Digest"};
    const struct ingest_flow *ingest = (const struct ingest_flow *)x;
    if (ingest->change == IMPORT_KEEP)
        return true;
    headers_remove(out, STORE);
    if (ingest->change == IMPORT_SET_HEADER)
        return headers_add(out, STORE, ingest->check.decision.store);
    for (size_t i = 0; i < sizeof of_the_body / sizeof *of_the_body; i++)
        headers_remove(out, of_the_body[i]);
    return true;
}

bool import_rewritten(const struct exchange *x, uint64_t *length)
{
    const struct ingest_flow *ingest = (const struct ingest_flow *)x;
    if (ingest->change != IMPORT_SET_BODY)
        return false;
    *length = ingest->body.text.len;
    return true;
}
