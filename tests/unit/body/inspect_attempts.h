/* SPDX-License-Identifier: Apache-2.0 */
/* Images for the inspection, and its results. Include after <cmocka.h>. */
#ifndef BODY_INSPECT_ATTEMPTS_H
#define BODY_INSPECT_ATTEMPTS_H

#include "body/stripped.h"
#include "intake/body.h"
#include "intake/stream.h"
#include "scripted_format.h"

static inline int fill_image(void **state)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (char)(i * 31 + i / 251);
    return env_begin(state);
}

static inline struct body *begin(struct feeder *feeder, const struct script *script)
{
    const struct body_plan plan = plan_of(feeder);
    format.script = *script;
    format.count = feeder->count;
    format.examinations = format.judgements = 0;
    return body_alone(&filter_inspect, &plan);
}

/* --- the opening ----------------------------------------------------------------------- */

/* Around the end of the opening and of its buffer. */
static const size_t COUNTS[] = {1,
                                4 * KIB,
                                FORMAT_OPENING - 1,
                                FORMAT_OPENING,
                                FORMAT_OPENING + 1,
                                FORMAT_OPENING + FILTER_ROOM_MIN - 1,
                                FORMAT_OPENING + FILTER_ROOM_MIN,
                                FORMAT_OPENING + FILTER_ROOM_MIN + 1,
                                LARGEST};

static const size_t PIECES[] = {1000,
                                FORMAT_OPENING - 1,
                                FORMAT_OPENING,
                                FORMAT_OPENING + 1,
                                FILTER_ROOM_MIN,
                                4 * FORMAT_OPENING};

enum { COUNT_COUNT = sizeof COUNTS / sizeof COUNTS[0] };
enum { PIECE_COUNT = sizeof PIECES / sizeof PIECES[0] };

#endif
