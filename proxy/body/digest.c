/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes the image. When its end has come, every digest that was promised must be its own: the last
 * byte is still held back then (finish.c), so an image that is not the promised one never looks
 * complete to Glance. */
#include "intake/digest.h"
#include "body/body_priv.h"

struct digester {
    struct filter filter;
    struct digests *set;
    bool checked;
};

/* Glance's own algorithm may be one that OpenSSL does not have; its MD5 `checksum` is always there.
 */
static bool want_for_glance(struct digester *digester)
{
    const char *hash = digester->filter.body->plan.glance_hash;
    return digests_want(digester->set, "sha512") &&
           ((hash && hash[0] && digests_want(digester->set, hash)) ||
            digests_want(digester->set, "md5"));
}

static bool begin(struct filter *filter)
{
    struct digester *digester = (struct digester *)filter;
    const struct body_plan *plan = &filter->body->plan;
    digester->set = digests_new();
    return digester->set &&
           (plan->settings->upload.verify != VERIFY_DIGEST || want_for_glance(digester)) &&
           promised_want(plan->promises, digester->set) &&
           promised_want(plan->image_promises, digester->set);
}

/* What was promised of a form is held there (envelope.c). */
static bool keeps_promises(struct digester *digester)
{
    struct filter *filter = &digester->filter;
    const struct body_plan *plan = &filter->body->plan;
    digester->checked = true;
    return (filter->body->unwrapped || promised_hold(filter, plan->promises, digester->set)) &&
           promised_hold(filter, plan->image_promises, digester->set);
}

static ssize_t read_digest(struct filter *filter, void *into, size_t room)
{
    struct digester *digester = (struct digester *)filter;
    ssize_t got = filter_pull(filter, into, room);
    if (got > 0)
        digests_update(digester->set, into, (size_t)got);
    if (got == BODY_END && !digester->checked && !keeps_promises(digester))
        return BODY_REFUSED;
    return got;
}

static void end(struct filter *filter)
{
    digests_free(((struct digester *)filter)->set);
}

struct digests *digest_set(struct filter *filter)
{
    return ((struct digester *)filter)->set;
}

const struct filter_kind filter_digest = {
    .phase = FILTER_DIGEST,
    .size = sizeof(struct digester),
    .begin = begin,
    .read = read_digest,
    .end = end,
};
