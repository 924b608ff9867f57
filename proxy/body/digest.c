/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and counts what goes to Glance. */
#include "intake/digest.h"
#include "body/body_priv.h"

#include <string.h>

struct digester {
    struct filter filter;
    struct digest *sha512;
    uint64_t count;
};

static bool begin(struct filter *filter)
{
    struct digester *digester = (struct digester *)filter;
    digester->sha512 = digest_new("sha512");
    return digester->sha512 != NULL;
}

static ssize_t read_digest(struct filter *filter, void *into, size_t room)
{
    struct digester *digester = (struct digester *)filter;
    ssize_t got = filter_pull(filter, into, room);
    if (got > 0) {
        digest_update(digester->sha512, into, (size_t)got);
        digester->count += (uint64_t)got;
    }
    return got;
}

static void end(struct filter *filter)
{
    digest_free(((struct digester *)filter)->sha512);
}

uint64_t digest_counted(const struct filter *filter)
{
    return ((const struct digester *)filter)->count;
}

bool digest_sha512(struct filter *filter, unsigned char sha512[64])
{
    unsigned char out[DIGEST_MAX_BYTES];
    if (digest_finish(((struct digester *)filter)->sha512, out) != 64)
        return false;
    memcpy(sha512, out, 64);
    return true;
}

const struct filter_kind filter_digest = {
    .phase = FILTER_DIGEST,
    .size = sizeof(struct digester),
    .begin = begin,
    .read = read_digest,
    .end = end,
};
