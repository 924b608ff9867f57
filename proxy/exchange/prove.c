/* SPDX-License-Identifier: Apache-2.0 */
/* After Glance's answer: what has become of the image?
 *
 * Where Glance says that it is stored, is that true (proxy/verify/)? What cannot be found out,
 * since the token has expired in a long upload for instance, does not make a failure of a good
 * upload. Where Glance has failed, is the image queued again, or stuck?
 *
 * Where the policy only watches, the store was the client's to choose, or Glance's: there the image
 * tells which one it was. */
#include "exchange/exchange_priv.h"

#include "intake/body.h"
#include "intake/clock.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/stores.h"
#include "intake/upload.h"
#include "intake/verify.h"

#include <stdio.h>
#include <string.h>

/* How long an image may stay in `saving` after Glance has answered, and how often that is looked
 * at: Glance sets the status before it answers a success, and within a second after a failure. */
enum { SETTLED_MS = 30000, FAILED_MS = 5000, LOOK_MS = 250 };

static void look_again(struct timer *timer)
{
    struct exchange *x = (struct exchange *)((char *)timer - offsetof(struct exchange, look));
    x->look_due = true;
    exchange_wake(x);
}

/* Asks for the image, and again after a moment. STEP_NEXT: there is an answer to look at. */
static enum step_result see_image(struct exchange *x, uint64_t patience_ms)
{
    if (x->fresh || x->look_due) {
        if (x->fresh)
            x->look_began = clock_ms();
        x->look_due = false;
        return upload_ask_image(x, patience_ms) ? STEP_WAIT : STEP_NEXT;
    }
    return x->image_asked.over ? STEP_NEXT : STEP_WAIT;
}

/* False: the patience is over. */
static bool wait_a_moment(struct exchange *x, uint64_t patience_ms)
{
    x->look.fire = look_again;
    return clock_ms() - x->look_began < patience_ms && timer_set(x->parts->loop, &x->look, LOOK_MS);
}

/* Whether the answer is an image; `seen` is then the caller's to free. */
static bool read_image(struct exchange *x, struct image *seen)
{
    const struct fetch *fetch = &x->image_asked;
    const struct buffer *body = &fetch->answer.body;
    return fetch_answered(fetch) && fetch->answer.status == 200 &&
           image_parse(buffer_text(body), body->len, seen);
}

/* --- after a success ------------------------------------------------------------------- */

static const char *why_not(const struct fetch *fetch)
{
    if (!fetch_answered(fetch))
        return "Glance does not tell what it has stored";
    switch (fetch->answer.status) {
    case 200:
        return "what Glance says of the image cannot be read";
    case 401:
        return "the token has expired";
    case 403:
    case 404:
        return "the caller may not see the image any more";
    default:
        return "Glance fails to tell what it has stored";
    }
}

static void cannot_verify(struct exchange *x)
{
    log_say(LOG_LEVEL_WARNING, "%s: not verified: %s", x->request_id, why_not(&x->image_asked));
}

static enum step_result compare(struct exchange *x, const struct image *seen)
{
    const struct settings *settings = x->snapshot->settings;
    char why[VERIFY_WORDS];
    const struct verify_expected expected = {
        .stage = x->upload->door == UPLOAD_STAGE,
        .size = body_count(x->body),
        .store = audit_only(x) ? NULL : x->upload->store,
        .digests = settings->upload.verify == VERIFY_DIGEST ? body_digests(x->body) : NULL,
        .disk_format = x->image.disk_format,
        .container_format = x->image.container_format,
    };
    switch (verify_image(&expected, seen, x->upload->verified, why)) {
    case VERIFY_GOOD:
        return STEP_NEXT;
    case VERIFY_WAIT:
        if (wait_a_moment(x, SETTLED_MS))
            return STEP_WAIT;
        snprintf(x->upload->image_after, sizeof x->upload->image_after, "%.32s", seen->status);
        snprintf(why, sizeof why, "Glance answered %u, and the image is still %s", x->answer.status,
                 x->upload->image_after);
        break;
    default:
        break;
    }
    x->upload->verified[0] = '\0';
    return exchange_object_for(x, REFUSAL_VERIFY_FAILED, "%s", why);
}

/* For the record only: without memory for it a good upload is no failure. */
static void learn_store(struct exchange *x, const struct image *seen)
{
    if (audit_only(x) && seen->stores && *seen->stores)
        uploads_decided(x->parts->uploads, x->upload, x->upload->rule, seen->stores);
}

static enum step_result verify(struct exchange *x)
{
    struct image seen = {0};
    enum step_result there = see_image(x, SETTLED_MS);
    if (there != STEP_NEXT)
        return there;
    if (!read_image(x, &seen)) {
        cannot_verify(x);
        return STEP_NEXT;
    }
    if (seen.os_hash_algo)
        stores_learn_algorithm(x->parts->stores, seen.os_hash_algo);
    learn_store(x, &seen);
    enum step_result compared = compare(x, &seen);
    image_free(&seen);
    return compared;
}

/* --- after a failure ------------------------------------------------------------------- */

/* What the client is told of the image; "" when it is not known. Who took too long may be busy with
 * it still. */
static const char *words_for(const char *status, enum refusal failure)
{
    if (strcmp(status, "queued") == 0)
        return "the image is queued again: upload once more";
    if (strcmp(status, "saving") == 0)
        return failure == REFUSAL_GLANCE_TIMEOUT
                   ? "the image is still saving"
                   : "the image is stuck in saving: delete it and create it anew";
    if (strcmp(status, "active") == 0)
        return "the image is active all the same: compare its os_hash_value with the file's";
    return strcmp(status, "deleted") == 0 ? "the image is gone" : "";
}

static void note_state(struct exchange *x, const char *status)
{
    snprintf(x->upload->image_after, sizeof x->upload->image_after, "%.32s", status);
    log_say(LOG_LEVEL_WARNING, "%s: Glance failed, and the image %s is %s now", x->request_id,
            x->route.image_id, status);
}

static enum step_result look_at_ruin(struct exchange *x)
{
    struct image seen = {0};
    enum step_result there = see_image(x, FAILED_MS);
    if (there != STEP_NEXT)
        return there;
    bool gone = fetch_answered(&x->image_asked) && x->image_asked.answer.status == 404;
    bool read = !gone && read_image(x, &seen);
    if (read && strcmp(seen.status, "saving") == 0 && wait_a_moment(x, FAILED_MS)) {
        image_free(&seen);
        return STEP_WAIT;
    }
    if (gone || read)
        note_state(x, gone ? "deleted" : seen.status);
    image_free(&seen);
    return STEP_NEXT;
}

/* Glance's own words pass as they are, with a field beside them; ours get a clause more. */
static enum step_result tell_failure(struct exchange *x)
{
    if (x->failure == REFUSAL_NONE)
        return STEP_NEXT;
    const char *words = words_for(x->upload->image_after, x->failure);
    const char *detail = x->failure_detail;
    if (!*words && !*detail)
        return exchange_refuse(x, x->failure);
    return exchange_refuse_for(x, x->failure, "%s%s%s", detail, *words && *detail ? "; " : "",
                               words);
}

enum step_result upload_prove(struct exchange *x)
{
    bool stored = !x->failure && x->answer.status / 100 == 2;
    bool failed = x->failure || x->answer.status >= 500;
    if (stored)
        return x->snapshot->settings->upload.verify == VERIFY_OFF ? STEP_NEXT : verify(x);
    if (!failed)
        return STEP_NEXT;
    enum step_result looked = look_at_ruin(x);
    return looked == STEP_NEXT ? tell_failure(x) : looked;
}
