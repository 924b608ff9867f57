/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"

#include "body/stripped.h"
#include "intake/digest.h"

#include <stdlib.h>

struct body {
    struct body_limits limits;
    struct stripped stripped;
    struct digest *sha512;
    uint64_t count;
    enum refusal refused; /* latched */
};

struct body *body_new(const struct body_limits *limits)
{
    struct body *body = calloc(1, sizeof *body);
    if (!body)
        return NULL;
    body->limits = *limits;
    body->sha512 = digest_new("sha512");
    if (!body->sha512) {
        free(body);
        return NULL;
    }
    return body;
}

void body_free(struct body *body)
{
    if (!body)
        return;
    digest_free(body->sha512);
    free(body);
}

/* --- the filters, in their order ------------------------------------------------------- */

static enum refusal limit(struct body *body, const void *bytes, size_t count)
{
    (void)bytes;
    if (count > body->limits.max_size || body->count > body->limits.max_size - count)
        return REFUSAL_TOO_LARGE;
    if (count > body->limits.size_ceiling || body->count > body->limits.size_ceiling - count)
        return REFUSAL_LENGTH_REQUIRED;
    return REFUSAL_NONE;
}

static enum refusal look_for_damage(struct body *body, const void *bytes, size_t count)
{
    return stripped_look(&body->stripped, bytes, count) ? REFUSAL_DAMAGED_BODY : REFUSAL_NONE;
}

static enum refusal hash(struct body *body, const void *bytes, size_t count)
{
    digest_update(body->sha512, bytes, count);
    return REFUSAL_NONE;
}

static enum refusal (*const FILTERS[])(struct body *body, const void *bytes, size_t count) = {
    limit,
    look_for_damage,
    hash,
};

enum refusal body_pass(struct body *body, const void *bytes, size_t count)
{
    for (size_t i = 0; i < sizeof FILTERS / sizeof *FILTERS && !body->refused; i++)
        body->refused = FILTERS[i](body, bytes, count);
    if (!body->refused)
        body->count += count;
    return body->refused;
}

uint64_t body_count(const struct body *body)
{
    return body->count;
}

bool body_sha512(struct body *body, unsigned char sha512[64])
{
    unsigned char out[DIGEST_MAX_BYTES];
    if (digest_finish(body->sha512, out) != 64)
        return false;
    for (size_t i = 0; i < 64; i++)
        sha512[i] = out[i];
    return true;
}
