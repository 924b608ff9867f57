/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v2/images/{id}/file/progress: how far the uploads to an image are. Glance says whether the
 * caller sees the image; its refusal is the answer. */
#include "exchange/resume/resume_steps.h"

#include "intake/record.h"

struct progress_flow {
    struct exchange x; /* first: progress_of() needs that */
    struct image_check check;
};

static struct progress_flow *progress_of(struct exchange *x)
{
    return (struct progress_flow *)x;
}

static bool begin(struct exchange *x)
{
    return image_check_begin(x, &progress_of(x)->check);
}

static enum step_result preflight(struct exchange *x)
{
    struct image_check *check = &progress_of(x)->check;
    if (x->entering)
        return image_check_ask_image(x, check, FETCH_TIMEOUT_MS) ? STEP_WAIT
                                                                 : exchange_no_memory(x);
    return image_check_wait(x, check);
}

/* Without an id the records of all images would match. */
static enum step_result tell(struct exchange *x)
{
    const char *image = progress_of(x)->check.image.id;
    if (!image)
        return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED, "what it says of the image has no id");
    struct reply reply;
    reply_init(&reply);
    reply.status = 200;
    bool good =
        headers_add(&reply.headers, "Content-Type", "application/json") &&
        headers_add(&reply.headers, "Cache-Control", "no-store") &&
        headers_add(&reply.headers, "X-Openstack-Request-Id", x->request.id) &&
        records_json_of_image(x->parts->all_records, x->parts->record_count, image, &reply.body);
    if (!good) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, &reply);
    return STEP_END;
}

static const struct step STEPS[] = {
    {"preflight", preflight},
    {"tell", tell},
    {NULL, NULL},
};

static void stop_asking(struct exchange *x)
{
    image_check_stop(x, &progress_of(x)->check);
}

static void end(struct exchange *x)
{
    image_check_free(&progress_of(x)->check);
}

static void describe(const struct exchange *x, struct refusal_context *out)
{
    image_check_describe(&((const struct progress_flow *)x)->check, out);
}

const struct exchange_kind PROGRESS_KIND = {
    .size = sizeof(struct progress_flow),
    .steps = STEPS,
    .begin = begin,
    .stop_asking = stop_asking,
    .end = end,
    .describe = describe,
};
