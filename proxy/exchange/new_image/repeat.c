/* SPDX-License-Identifier: Apache-2.0 */
/* A request that is sent once more is answered with the image that is there already. It is known by
 * its Idempotency-Key: this process remembers the keys of each project. Or it is known by its
 * Repr-Digest and name: Glance is asked for an image with both. If the first request is still
 * running in this process, the second one waits for its end. */
#include "exchange/new_image/new_image_flow.h"

#include "intake/client.h"
#include "intake/clock.h"
#include "intake/digest.h"
#include "intake/image_list.h"
#include "intake/login.h"
#include "intake/record.h"
#include "intake/stores.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 250, WAIT_MS = 60000, KEY_MAX = 255, TARGET_MAX = 4096 };

/* --- what it is known by ---------------------------------------------------------------------- */

static const char *key_of(const struct new_image_flow *flow)
{
    return headers_get(&client_head(flow->upload.x.client)->headers, "Idempotency-Key");
}

/* The digest that Glance computes, too. That of a form is no digest of the image. NULL: none. */
static const struct promise *digest_of(const struct new_image_flow *flow, char *algorithm)
{
    const struct promises *promises = &flow->upload.head.promises;
    stores_algorithm(flow->upload.x.parts->stores, algorithm);
    if (!*algorithm)
        snprintf(algorithm, ALGORITHM_MAX + 1, "sha512");
    if (flow->upload.head.declared_form || !flow->wanted.name)
        return NULL;
    for (size_t i = 0; i < promises->count; i++)
        if (!strcmp(promises->rows[i].field, "Repr-Digest") &&
            !strcmp(promises->rows[i].algorithm, algorithm))
            return &promises->rows[i];
    return NULL;
}

/* An image that is found by its digest counts as made by the same bytes. */
static void note_sent(struct new_image_flow *flow)
{
    const struct upload_size *size = &flow->upload.size;
    flow->repeat.sent = size->known ? size->bytes : REPETITION_SENT_UNKNOWN;
    flow->repeat.made.sent = flow->repeat.sent;
}

static bool describe(struct new_image_flow *flow, char text[REPETITION_KEY_MAX + 1])
{
    char algorithm[ALGORITHM_MAX + 1];
    const char *project = login_project(flow->login);
    const char *key = key_of(flow);
    const struct promise *digest = digest_of(flow, algorithm);
    if (digest)
        digest_hex(digest->value, digest->size, flow->repeat.digest);
    flow->repeat.by_key = key != NULL;
    if (key)
        snprintf(text, REPETITION_KEY_MAX + 1, "key %s %s", project, key);
    else if (digest)
        snprintf(text, REPETITION_KEY_MAX + 1, "digest %s %s %s", project, flow->repeat.digest,
                 flow->wanted.name);
    return key || digest;
}

/* --- questions to Glance -----------------------------------------------------------------------
 */

static enum step_result ask(struct new_image_flow *flow, const char *target,
                            enum repeat_phase phase)
{
    struct exchange *x = &flow->upload.x;
    fetch_end(&flow->listing);
    flow->repeat.phase = phase;
    return image_check_ask(x, &flow->upload.check.fields, &flow->listing, target, FETCH_TIMEOUT_MS)
               ? STEP_WAIT
               : exchange_no_memory(x);
}

static enum step_result show(struct new_image_flow *flow)
{
    char target[sizeof flow->repeat.made.image + sizeof "/v2/images/"];
    snprintf(target, sizeof target, "/v2/images/%s", flow->repeat.made.image);
    return ask(flow, target, REPEAT_SHOWS);
}

static enum step_result list(struct new_image_flow *flow)
{
    struct buffer target;
    buffer_init(&target, TARGET_MAX);
    bool good =
        buffer_print(&target, "/v2/images?limit=25&status=active&owner=%s&os_hash_value=%s&name=",
                     login_project(flow->login), flow->repeat.digest);
    for (const char *at = flow->wanted.name; *at; at++)
        good = good && buffer_print(&target, "%%%02X", (unsigned char)*at);
    enum step_result result =
        good ? ask(flow, buffer_text(&target), REPEAT_LISTS) : exchange_no_memory(&flow->upload.x);
    buffer_free(&target);
    return result;
}

/* --- the image that is there --------------------------------------------------------------------
 */

static enum step_result judge_list(struct new_image_flow *flow)
{
    char algorithm[ALGORITHM_MAX + 1];
    const struct buffer *body = &flow->listing.answer.body;
    digest_of(flow, algorithm);
    const struct image_looked_for wanted = {.name = flow->wanted.name,
                                            .owner = login_project(flow->login),
                                            .os_hash_algo = algorithm,
                                            .os_hash_value = flow->repeat.digest};
    bool found = fetch_answered(&flow->listing) && flow->listing.answer.status == 200 &&
                 image_list_find(buffer_text(body), body->len, &wanted, flow->repeat.made.image,
                                 sizeof flow->repeat.made.image);
    return found ? show(flow) : STEP_NEXT;
}

/* The lengths are those of the data as it was sent: the stored data may be decompressed. */
static bool is_another(const struct new_image_flow *flow, const struct image *image)
{
    uint64_t now = flow->repeat.sent, before = flow->repeat.made.sent;
    const char *name = flow->wanted.name;
    return (name && image->name && strcmp(name, image->name) != 0) ||
           (now != REPETITION_SENT_UNKNOWN && before != REPETITION_SENT_UNKNOWN && now != before);
}

/* An image that is gone is made again. */
static enum step_result forget(struct new_image_flow *flow)
{
    flow->repeat.made.image[0] = '\0';
    return STEP_NEXT;
}

static enum step_result judge_image(struct new_image_flow *flow, const struct image *image)
{
    struct exchange *x = &flow->upload.x;
    bool there = strcmp(image->status, "active") == 0 && image->owner &&
                 strcmp(image->owner, login_project(flow->login)) == 0;
    if (!there)
        return forget(flow);
    if (is_another(flow, image))
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST,
                                   "its Idempotency-Key has made another image, %s",
                                   flow->repeat.made.image);
    return new_image_answer_again(flow);
}

static enum step_result judge_shown(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    struct image image = {0};
    const struct buffer *body = &flow->listing.answer.body;
    if (fetch_answered(&flow->listing) && flow->listing.answer.status == 404)
        return forget(flow);
    enum step_result result = image_check_judge(x, &flow->listing);
    if (result != STEP_NEXT)
        return result;
    if (!image_parse(buffer_text(body), body->len, &image))
        return exchange_refuse_for(x, REFUSAL_GLANCE_FAILED,
                                   "what it says of the image cannot be read");
    result = judge_image(flow, &image);
    image_free(&image);
    return result;
}

/* --- the step ----------------------------------------------------------------------------------
 */

static enum step_result wait_for_other(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    if (clock_ms() - flow->repeat.began_ms >= WAIT_MS)
        return exchange_refuse(x, REFUSAL_UPLOAD_IN_PROGRESS);
    flow->repeat.phase = REPEAT_WAITS;
    exchange_wait_at_most(x, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result look(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    char text[REPETITION_KEY_MAX + 1];
    if (!describe(flow, text))
        return STEP_NEXT;
    switch (
        repetition_begin(x->parts->repetitions, text, &flow->repeat.running, &flow->repeat.made)) {
    case REPETITION_RUNNING:
        return wait_for_other(flow);
    case REPETITION_DONE:
        return show(flow);
    case REPETITION_FIRST:
        return *flow->repeat.digest ? list(flow) : STEP_NEXT;
    default:
        return exchange_no_memory(x);
    }
}

static enum step_result go_on(struct new_image_flow *flow)
{
    if (flow->repeat.phase == REPEAT_WAITS)
        return flow->upload.x.step_timer_fired ? look(flow) : STEP_WAIT;
    if (!flow->listing.over)
        return STEP_WAIT;
    return flow->repeat.phase == REPEAT_LISTS ? judge_list(flow) : judge_shown(flow);
}

enum step_result new_image_repeat(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    const char *key = key_of(flow);
    if (!x->entering)
        return go_on(flow);
    if (key && (!*key || strlen(key) > KEY_MAX))
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST,
                                   "its Idempotency-Key has 1 to %d characters", KEY_MAX);
    flow->repeat.began_ms = clock_ms();
    note_sent(flow);
    return look(flow);
}

/* What is found by its digest is found by it again, so only a key is remembered. */
void new_image_end_repetition(struct new_image_flow *flow, const char *image)
{
    struct repeat_state *repeat = &flow->repeat;
    if (image) {
        snprintf(repeat->made.image, sizeof repeat->made.image, "%s", image);
        repeat->made.sent = repeat->sent;
    }
    repetition_end(flow->upload.x.parts->repetitions, repeat->running,
                   repeat->by_key && *repeat->made.image ? &repeat->made : NULL);
    repeat->running = NULL;
}
