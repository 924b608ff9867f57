/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes the image in other threads (hashing.c), and compares the digests with the promised ones.
 *
 * The end of the body waits until the digests are ready. finish.c holds the last byte back until
 * they have been compared. So an image with a wrong digest never looks complete to Glance. */
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

/* OpenSSL may not have Glance's own algorithm. Then Glance's `checksum` is compared, which is
 * always MD5. */
static bool add_for_glance(struct digests *set, const char *hash)
{
    return digests_want(set, "sha512") &&
           ((hash && hash[0] && digests_want(set, hash)) || digests_want(set, "md5"));
}

static bool add_all(const struct body_plan *plan, struct digests *set)
{
    return (plan->settings->upload.verify != VERIFY_DIGEST ||
            add_for_glance(set, plan->glance_hash)) &&
           promised_add(plan->promises, set) && promised_add(plan->image_promises, set);
}

static bool begin(struct filter *filter)
{
    const struct body_plan *plan = &filter->body->plan;
    struct digests *set = digests_new();
    if (!set || !add_all(plan, set)) {
        digests_free(set);
        return false;
    }
    struct hashing *hashing =
        hashing_new(set, plan->digest_threads, plan->loop, plan->wake, plan->context);
    ((struct digester *)filter)->hashing = hashing;
    if (hashing && plan->keeps_sums)
        hashing_keep_sums(hashing, plan->length);
    return hashing != NULL;
}

/* If the image was unwrapped, envelope.c has compared the promises for the whole form, and if it
 * was decompressed, decompress.c those for the compressed data. If the form was left around the
 * image, the image alone has not been hashed. */
static bool check_promises(struct digester *digester)
{
    struct filter *filter = &digester->filter;
    const struct body *body = filter->body;
    const struct body_plan *plan = &body->plan;
    struct digests *set = hashing_set(digester->hashing);
    digester->checked = true;
    bool as_sent = body->form != FORM_UNWRAPPED && body->compression != BODY_DECOMPRESSED;
    return (!as_sent || promised_check(filter, plan->promises, set)) &&
           (body->form == FORM_KEPT || promised_check(filter, plan->image_promises, set));
}

static ssize_t read_end(struct digester *digester)
{
    if (digester->checked)
        return STREAM_END;
    if (!hashing_is_over(digester->hashing))
        return STREAM_WAIT;
    return check_promises(digester) ? STREAM_END : STREAM_REFUSED;
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

/* Spliced bytes can be hashed, too, by digest threads (splice.c). But a client on this machine may
 * have sent pages of its own (sendfile(2)), and may change them after they were hashed and before
 * Glance reads them. So data with a promised digest is read. For other data, the verification
 * compares with the digest that Glance computed. */
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

/* The first reading may have ended anywhere. */
static bool rewind_digest(struct filter *filter)
{
    struct digester *digester = (struct digester *)filter;
    hashing_free(digester->hashing);
    digester->hashing = NULL;
    digester->checked = false;
    return begin(filter);
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
    .rewind = rewind_digest,
    .end = end,
};
