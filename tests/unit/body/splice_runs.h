/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are spliced. Include after <cmocka.h>. */
#ifndef BODY_SPLICE_RUNS_H
#define BODY_SPLICE_RUNS_H

#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"
#include "promising.h"
#include "pump.h"
#include "uploads.h"

enum { MANY = 5 * SPOOL_BLOCK / 4 };

/* --- moved as it would be read --------------------------------------------------------------- */

struct outcome {
    int end;
    enum refusal refusal;
    char detail[BODY_WORDS];
    size_t given;
    uint64_t count; /* as the body says */
    unsigned char sha512[DIGEST_MAX_BYTES];
    size_t sha512_size; /* 0: it was not asked for */
};

static inline struct outcome send_by(struct sent_upload *upload, const struct feeder *from,
                                     bool moving)
{
    const char *detail;
    struct outcome outcome = {0};
    upload->feeder = *from;
    upload->plan.context = &upload->feeder;
    upload->plan.splice = moving ? feeder_move : NULL;
    upload->plan.digest_threads = env.thread_pool;
    struct pump pump = {body_of(&upload->plan), &upload->feeder, upload->image,
                        upload->count,          40 * KIB,        0};
    body_limit(pump.body, &upload->limits);
    outcome.end = pump_all(&pump);
    outcome.refusal = body_refusal(pump.body, &detail);
    snprintf(outcome.detail, sizeof outcome.detail, "%s", detail);
    outcome.given = pump.given;
    outcome.count = body_count(pump.body);
    if (outcome.end == STREAM_END)
        digests_get(body_digests(pump.body), "sha512", outcome.sha512, &outcome.sha512_size);
    body_done(pump.body);
    return outcome;
}

#endif
