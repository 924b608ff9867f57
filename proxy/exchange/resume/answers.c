/* SPDX-License-Identifier: Apache-2.0 */
/* The answers about an upload: where it stands, that it was dropped, that there is none. */
#include "exchange/resume/resume_steps.h"

#include "exchange/core/resume_fields.h"
#include "intake/client.h"
#include "intake/draft.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/tus.h"

#include <string.h>

enum step_result resume_refuse_at(struct resume_flow *resume, enum refusal reason, uint64_t offset,
                                  const char *detail)
{
    resume->offset = offset;
    resume->tells_offset = true;
    return exchange_refuse_for(&resume->x, reason, "%s", detail);
}

bool resume_add_to_answer(const struct exchange *x, struct headers *out)
{
    const struct resume_flow *resume = (const struct resume_flow *)x;
    return resume_add_dialect(resume->dialect, x->refused.reason, out) &&
           (!resume->tells_offset || resume_add_number(out, "Upload-Offset", resume->offset)) &&
           (resume->dialect != RESUME_BY_DRAFT ||
            headers_add(out, "Upload-Complete", resume->complete ? "?1" : "?0")) &&
           resume_expose(out);
}

void resume_describe_refusal(const struct exchange *x, struct refusal_context *out)
{
    const struct resume_flow *resume = (const struct resume_flow *)x;
    image_check_describe(&resume->check, out);
    if (resume->dialect != RESUME_BY_DRAFT)
        return;
    if (x->refused.reason == REFUSAL_SIZE_MISMATCH)
        out->problem = DRAFT_PROBLEM_LENGTH;
    if (x->refused.reason != REFUSAL_OFFSET_MISMATCH)
        return;
    out->problem = DRAFT_PROBLEM_OFFSET;
    out->tells_offsets = true;
    out->expected_offset = resume->offset;
    out->provided_offset = resume->first;
}

/* `good` is false if there was no memory for its fields. */
static enum step_result answer(struct resume_flow *resume, struct reply *reply, bool good)
{
    struct exchange *x = &resume->x;
    good = good && resume_add_dialect(resume->dialect, REFUSAL_NONE, &reply->headers) &&
           cors_copy(&resume->check.cors, &reply->headers) && resume_expose(&reply->headers) &&
           headers_add(&reply->headers, "X-Openstack-Request-Id", x->request.id);
    if (!good) {
        reply_free(reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, reply);
    return STEP_END;
}

enum step_result resume_tell_offset(struct resume_flow *resume, const struct held_facts *facts,
                                    bool complete)
{
    struct reply reply;
    reply_init(&reply);
    reply.status = 200;
    struct headers *headers = &reply.headers;
    bool good = headers_add(headers, "Cache-Control", "no-store") &&
                resume_add_number(headers, "Upload-Offset", facts->offset) &&
                (!facts->length || resume_add_number(headers, "Upload-Length", facts->length)) &&
                headers_add(headers, "Upload-Complete", complete ? "?1" : "?0") &&
                resume_add_expiry(headers, facts->expires_wall_ms) &&
                (resume->dialect != RESUME_BY_DRAFT ||
                 resume_add_limit(resume->x.snapshot->settings, facts->expires_wall_ms, headers));
    return answer(resume, &reply, good);
}

/* The upload may have ended meanwhile: then it has no time at which it expires. */
enum step_result resume_tell_part(struct resume_flow *resume, uint64_t offset)
{
    struct reply reply;
    reply_init(&reply);
    reply.status = 204;
    resume->held.expires_wall_ms = 0;
    resume_find_held(resume);
    bool good = resume_add_number(&reply.headers, "Upload-Offset", offset) &&
                headers_add(&reply.headers, "Upload-Complete", "?0") &&
                resume_add_expiry(&reply.headers, resume->held.expires_wall_ms);
    return answer(resume, &reply, good);
}

enum step_result resume_say_dropped(struct resume_flow *resume)
{
    struct reply reply;
    reply_init(&reply);
    reply.status = 204;
    return answer(resume, &reply, true);
}

/* For everybody, without a token: it says nothing of the image. */
enum step_result resume_describe(struct resume_flow *resume)
{
    const struct settings *settings = resume->x.snapshot->settings;
    struct reply reply;
    reply_init(&reply);
    reply.status = 204;
    struct headers *headers = &reply.headers;
    bool good = headers_add(headers, "Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT") &&
                resume_add_limit(settings, 0, headers) &&
                headers_add(headers, "Tus-Version", TUS_VERSION) &&
                headers_add(headers, "Tus-Extension", TUS_EXTENSIONS) &&
                resume_add_number(headers, "Tus-Max-Size", settings->upload.max_size);
    resume->dialect = RESUME_BY_TUS;
    return answer(resume, &reply, good);
}

/* The id in Glance's answer: its database may find an image by an id in capital letters, too. */
bool resume_find_held(struct resume_flow *resume)
{
    const struct image *image = &resume->check.image;
    bool open =
        image->id && (strcmp(image->status, "saving") == 0 || strcmp(image->status, "queued") == 0);
    return open && held_uploads_find(resume->x.parts->held_uploads, image->id,
                                     resume->check.decision.store, &resume->held);
}

/* The client has lost the answer to its last part. */
static enum step_result answer_again(struct resume_flow *resume)
{
    struct reply reply;
    reply_init(&reply);
    reply.status = 204;
    return answer(resume, &reply, headers_add(&reply.headers, "Upload-Complete", "?1"));
}

/* A client that creates an upload first must learn that there is none. */
static enum step_result answer_queued(struct resume_flow *resume)
{
    if (resume->verb == RESUME_DROP)
        return resume_say_dropped(resume);
    if (resume->dialect != RESUME_BY_RANGE)
        return exchange_refuse(&resume->x, REFUSAL_UPLOAD_NOT_HELD);
    return resume->verb == RESUME_TELL
               ? resume_tell_offset(resume, &(struct held_facts){0}, false)
               : resume_refuse_at(resume, REFUSAL_OFFSET_MISMATCH, 0, "nothing of it is held");
}

/* Everybody who sees the image may know this. */
enum step_result resume_answer_without(struct resume_flow *resume)
{
    const struct image *image = &resume->check.image;
    const struct held_facts stored = {.offset = image->size, .length = image->size};
    if (strcmp(image->status, "queued") == 0)
        return answer_queued(resume);
    bool active = strcmp(image->status, "active") == 0;
    if (resume->verb == RESUME_TELL && active)
        return resume_tell_offset(resume, &stored, true);
    if (resume->completes && active && resume->count == 0 && resume->first == image->size)
        return answer_again(resume);
    return exchange_refuse_for(&resume->x, REFUSAL_IMAGE_NOT_QUEUED,
                               "its status is %s, and no upload is held", image->status);
}
