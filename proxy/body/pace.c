/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the bytes of an upload's opening seconds with the rate. */
#include "body/pace.h"

#include <sys/param.h>

static uint64_t bytes_in(uint64_t ms, uint64_t rate)
{
    return rate / 1000 * ms + rate % 1000 * ms / 1000;
}

enum pace pace_judge(uint64_t bytes, uint64_t ms, uint64_t rate)
{
    static const uint64_t hour = 3600000; /* keeps the product small */
    if (bytes >= bytes_in(MIN(MAX(ms, PACE_MIN_MS), hour), rate))
        return PACE_FAST;
    return ms < PACE_MAX_MS ? PACE_UNDECIDED : PACE_SLOW;
}

uint64_t pace_bytes_max(uint64_t rate)
{
    return bytes_in(PACE_MAX_MS, rate);
}
