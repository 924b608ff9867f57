/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes the image, beside the loop (hashing.c): so the end may have to wait for its digests. Then
 * every digest that was promised must be its own: the last byte is still held back (finish.c), so
 * an image that is not the promised one never looks complete to Glance. */
#include "intake/digest.h"
#include "body/body_priv.h"
#include "body/hashing.h"
#include "intake/promises.h"
#include "intake/stream.h"

#include <sys/param.h>

struct digester {
    struct filter filter;
    struct hashing *hashing;
    bool checked;
};

/* Glance's own algorithm may be one that OpenSSL does not have; its MD5 `checksum` is always there.
 */
static bool want_for_glance(struct digests *set, const char *hash)
{
    return digests_want(set, "sha512") &&
           ((hash && hash[0] && digests_want(set, hash)) || digests_want(set, "md5"));
}

static bool want_all(const struct body_plan *plan, struct digests *set)
{
    return (plan->settings->upload.verify != VERIFY_DIGEST ||
            want_for_glance(set, plan->glance_hash)) &&
           promised_want(plan->promises, set) && promised_want(plan->image_promises, set);
}

static bool begin(struct filter *filter)
{
    const struct body_plan *plan = &filter->body->plan;
    struct digests *set = digests_new();
    if (!set || !want_all(plan, set)) {
        digests_free(set);
        return false;
    }
    struct hashing *hashing =
        hashing_new(set, plan->digest_threads, plan->loop, plan->wake, plan->context);
    ((struct digester *)filter)->hashing = hashing;
    return hashing != NULL;
}

/* What was promised of a form is held there (envelope.c); of the image in one that is left on
 * nothing can be told. */
static bool keeps_promises(struct digester *digester)
{
    struct filter *filter = &digester->filter;
    const struct body *body = filter->body;
    const struct body_plan *plan = &body->plan;
    struct digests *set = hashing_set(digester->hashing);
    digester->checked = true;
    return (body->unwrapped || promised_hold(filter, plan->promises, set)) &&
           (body->wrapped || promised_hold(filter, plan->image_promises, set));
}

static ssize_t read_end(struct digester *digester)
{
    if (digester->checked)
        return STREAM_END;
    if (!hashing_is_over(digester->hashing))
        return STREAM_WAIT;
    return keeps_promises(digester) ? STREAM_END : STREAM_REFUSED;
}

static ssize_t read_digest(struct filter *filter, void *into, size_t room)
{
    struct digester *digester = (struct digester *)filter;
    size_t most = hashing_room(digester->hashing);
    if (most == 0)
        return STREAM_WAIT;
    ssize_t got = filter_pull(filter, into, MIN(room, most));
    if (got == STREAM_END)
        return read_end(digester);
    if (got > 0 && !hashing_put(digester->hashing, into, (size_t)got))
        return filter_no_memory(filter);
    return got;
}

/* What is moved can be hashed as well, by helpers (splice.c). But a client on this machine may lend
 * the kernel pages of its own (sendfile(2)), and change them between our look and Glance's: what is
 * held to a promise is read. Without one Glance's own digest tells afterwards. */
static uint64_t splice_budget(const struct filter *filter)
{
    const struct body_plan *plan = &filter->body->plan;
    struct digests *set = hashing_set(((const struct digester *)filter)->hashing);
    bool promised = (plan->promises && plan->promises->count) ||
                    (plan->image_promises && plan->image_promises->count);
    bool allowed = digests_none(set) || (plan->digest_threads && !promised);
    return allowed ? UINT64_MAX : 0;
}

struct hashing *digest_hashing(struct filter *filter)
{
    return ((struct digester *)filter)->hashing;
}

static void end(struct filter *filter)
{
    hashing_free(((struct digester *)filter)->hashing);
}

struct digests *digest_set(struct filter *filter)
{
    return hashing_set(((struct digester *)filter)->hashing);
}

const struct filter_kind filter_digest = {
    .phase = FILTER_DIGEST,
    .size = sizeof(struct digester),
    .begin = begin,
    .read = read_digest,
    .splice_budget = splice_budget,
    .end = end,
};
