/* SPDX-License-Identifier: Apache-2.0 */
/* A request that goes on with a dormant upload: a part of tus or of the draft, or a PUT with
 * Content-Range. It is an upload of its own, whose first bytes are on disk already. So the image,
 * the policy, quota and space are judged as for any upload, with the token of this request. */
#include "exchange/upload/upload_steps.h"

#include "exchange/resume/resume_steps.h"
#include "intake/client.h"
#include "intake/clock.h"
#include "intake/content_range.h"
#include "intake/draft.h"
#include "intake/held_uploads.h"
#include "intake/kept_upload.h"
#include "intake/metrics.h"
#include "intake/record.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/tus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool sends_part(const struct client *client, const struct route *route)
{
    if (route->kind == ROUTE_HELD)
        return route->verb == RESUME_SEND;
    return route->kind == ROUTE_UPLOAD && resume_reads_range(client, NULL);
}

bool upload_continues(const struct exchange_parts *parts, const struct client *client,
                      const struct request_facts *request)
{
    return parts->snapshot->settings->resume.window > 0 && sends_part(client, &request->route) &&
           held_uploads_is_dormant(parts->held_uploads, request->route.image_id);
}

/* Other parts are of another kind (RESUME_KIND). */
bool upload_is_continuation(const struct exchange *x)
{
    return x->snapshot->settings->resume.window > 0 && sends_part(x->client, &x->request.route);
}

enum step_result upload_refuse_at(struct upload_flow *upload, enum refusal reason, uint64_t offset,
                                  const char *detail)
{
    upload->creation.tells_offset = true;
    upload->creation.offset = offset;
    return exchange_refuse_for(&upload->x, reason, "%s", detail);
}

/* --- the head ----------------------------------------------------------------------------- */

/* What the part says of the whole; 0: nothing. */
struct part {
    uint64_t first, count, total;
};

static enum refusal read_range(const struct client *client, struct part *part)
{
    struct content_range range = {0};
    const struct framing_facts *framing = client_framing(client);
    content_range_read(&client_head(client)->headers, framing->length, &range);
    *part = (struct part){range.first, framing->length, range.total};
    return REFUSAL_NONE;
}

static enum refusal read_tus(const struct client *client, struct part *part, const char **detail)
{
    struct tus_part read = {0};
    const struct headers *headers = &client_head(client)->headers;
    enum refusal reason = tus_check_version(headers);
    if (!reason)
        reason = tus_read_part(headers, client_framing(client), &read, detail);
    *part = (struct part){read.offset, read.count, 0};
    return reason;
}

static enum refusal read_draft(const struct client *client, struct part *part, const char **detail)
{
    struct draft_part read = {0};
    enum refusal reason =
        draft_read_part(&client_head(client)->headers, client_framing(client), &read, detail);
    *part = (struct part){read.offset, read.count, read.length_known ? read.length : 0};
    return reason;
}

static enum refusal read_part(const struct upload_flow *upload, struct part *part,
                              const char **detail)
{
    const struct client *client = upload->x.client;
    switch (upload->creation.dialect) {
    case RESUME_BY_TUS:
        return read_tus(client, part, detail);
    case RESUME_BY_DRAFT:
        return read_draft(client, part, detail);
    default:
        return read_range(client, part);
    }
}

/* The upload may have ended since the request came. Whether the part fits is judged later, when
 * Glance has said that the caller may know. */
static enum step_result take_length(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    struct held_facts held;
    const char *image = x->request.route.image_id;
    if (!held_uploads_find(x->parts->held_uploads, image, NULL, &held))
        return upload_refuse_at(upload, REFUSAL_OFFSET_MISMATCH, 0, "the upload has ended");
    upload_take_length(upload, held.length);
    return STEP_NEXT;
}

enum step_result upload_admit_continuation(struct exchange *x)
{
    struct upload_flow *upload = upload_of(x);
    struct part part = {0};
    const char *detail = "";
    if (x->parts->drain == DRAIN_STOPPING)
        return exchange_refuse(x, REFUSAL_DRAINING);
    enum refusal reason = read_part(upload, &part, &detail);
    if (!reason && headers_get(&client_head(x->client)->headers, "Content-Encoding"))
        reason = REFUSAL_CONTENT_ENCODING;
    if (reason)
        return exchange_refuse_for(x, reason, "%s", detail);
    upload->creation.first = part.first;
    upload->creation.count = part.count;
    upload->creation.total = part.total;
    return take_length(upload);
}

/* --- the file ----------------------------------------------------------------------------- */

static enum step_result drop_for_store(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    upload->keep.end = REMOVE_FILE;
    held_uploads_drop(x->parts->held_uploads, kept_upload_facts(upload->keep.file)->image,
                      "the policy names another store now");
    return upload_refuse_at(upload, REFUSAL_OFFSET_MISMATCH, 0,
                            "the policy names another store now; start again with the whole file");
}

static enum step_result refuse_offset(struct upload_flow *upload, uint64_t offset)
{
    char detail[64];
    snprintf(detail, sizeof detail, "go on after %" PRIu64 " bytes", offset);
    return upload_refuse_at(upload, REFUSAL_OFFSET_MISMATCH, offset, detail);
}

static enum step_result refuse_length(struct upload_flow *upload, uint64_t offset)
{
    bool by_draft = upload->creation.dialect == RESUME_BY_DRAFT;
    return upload_refuse_at(upload, by_draft ? REFUSAL_SIZE_MISMATCH : REFUSAL_OFFSET_MISMATCH,
                            offset, "the upload has another length than this file");
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void take_window(struct upload_flow *upload, const struct kept_facts *facts)
{
    uint64_t now = clock_wall_ms();
    uint64_t left = facts->expires_wall_ms > now ? facts->expires_wall_ms - now : 0;
    upload->hold.until_ms = clock_ms() + left;
    upload->hold.expires_wall_ms = facts->expires_wall_ms;
}

static enum step_result take_promises(struct upload_flow *upload, const struct kept_facts *facts)
{
    const char *fault = promises_read(&facts->promises, &upload->head.promises);
    return fault ? exchange_refuse_for(&upload->x, REFUSAL_BAD_REQUEST, "%s", fault) : STEP_NEXT;
}

enum step_result upload_check_continued(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct kept_facts *facts = kept_upload_facts(upload->keep.file);
    const struct creation *part = &upload->creation;
    take_window(upload, facts);
    upload->keep.end = KEEP_FILE; /* the request may be wrong, and what is here is not */
    if (audit_only(x)) /* whatever the store: it can go on when audit mode is off again */
        return upload_refuse_at(upload, REFUSAL_WRONG_METHOD, facts->offset,
                                "in audit mode no upload is held, and what is here stays");
    if (!same_text(facts->store, upload->check.decision.store))
        return drop_for_store(upload);
    bool again = part->dialect == RESUME_BY_RANGE && part->first < facts->offset;
    if (facts->length != part->length || (part->first != facts->offset && !again))
        return refuse_offset(upload, facts->offset);
    if (part->total && part->total != facts->length)
        return refuse_length(upload, facts->offset);
    if (part->count > facts->length - part->first)
        return upload_refuse_at(upload, REFUSAL_SIZE_MISMATCH, facts->offset,
                                "this part has more bytes than the rest");
    upload->keep.end = KEEP_UNDECIDED;
    upload_expect_repeated(upload, part->first);
    x->record->resumed++;
    metrics_held_resumed(x->parts->metrics);
    request_say(&x->request, LOG_LEVEL_INFO, "resumed after %" PRIu64 " bytes", facts->offset);
    return take_promises(upload, facts);
}
