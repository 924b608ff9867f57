/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Glance's JSON of a project's usage. */
#include "intake/usage.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* False: the value exists, and is not a limit. */
static bool limit_read(const json_t *usage, const char *name, struct usage_limit *out)
{
    const json_t *row = json_object_get(usage, name);
    const json_t *used = json_object_get(row, "usage");
    const json_t *limit = json_object_get(row, "limit");
    *out = (struct usage_limit){0};
    if (!row)
        return true;
    if (!json_is_integer(used) || !json_is_integer(limit) || json_integer_value(used) < 0)
        return false;
    *out = (struct usage_limit){true, json_integer_value(limit), json_integer_value(used)};
    return true;
}

bool usage_parse(const char *json, size_t length, struct usage *usage)
{
    json_t *answer = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *limits = json_object_get(answer, "usage");
    bool good = json_is_object(limits) &&
                limit_read(limits, "image_size_total", &usage->image_size_total) &&
                limit_read(limits, "image_stage_total", &usage->image_stage_total) &&
                limit_read(limits, "image_count_uploading", &usage->image_count_uploading);
    json_decref(answer);
    if (!good)
        *usage = (struct usage){0};
    return good;
}

static bool is_limited(const struct usage_limit *limit)
{
    return limit->known && limit->limit >= 0;
}

/* True: the usage plus `more` is within the limit. */
static bool fits(const struct usage_limit *limit, uint64_t more)
{
    return !is_limited(limit) || (uint64_t)limit->used + more <= (uint64_t)limit->limit;
}

const struct usage_limit *usage_limit_of(const struct usage *usage, bool stage)
{
    return stage ? &usage->image_stage_total : &usage->image_size_total;
}

bool usage_is_unlimited(const struct usage *usage, bool stage)
{
    return !is_limited(usage_limit_of(usage, stage)) && !is_limited(&usage->image_count_uploading);
}

uint64_t usage_left(const struct usage_limit *limit)
{
    if (!is_limited(limit))
        return UINT64_MAX;
    uint64_t left = limit->used < limit->limit ? (uint64_t)(limit->limit - limit->used) : 0;
    return left < UINT64_MAX >> 20 ? left << 20 : UINT64_MAX;
}

/* Rounds up, because Glance rounds the usage down. */
static uint64_t mebibytes(uint64_t bytes)
{
    return (bytes >> 20) + ((bytes & 0xFFFFF) != 0);
}

static void say_total(const struct usage_limit *total, bool stage, uint64_t reserved, uint64_t need,
                      char why[USAGE_WORDS])
{
    char others[64] = "";
    if (reserved)
        snprintf(others, sizeof others, ", with %" PRIu64 " on their way,", mebibytes(reserved));
    snprintf(why, USAGE_WORDS,
             "the project may keep %" PRIi64 " MiB %s, has %" PRIi64 "%s and would need %" PRIu64
             " (%s)",
             total->limit, stage ? "in the staging area" : "in all", total->used, others,
             (uint64_t)total->used + need, stage ? "image_stage_total" : "image_size_total");
}

/* `why` has the name of the limit, because an operator needs it to raise the limit. */
bool usage_allows(const struct usage *usage, bool stage, uint64_t reserved, uint64_t size,
                  char why[USAGE_WORDS])
{
    const struct usage_limit *total = usage_limit_of(usage, stage);
    const struct usage_limit *count = &usage->image_count_uploading;
    uint64_t need = mebibytes(size < UINT64_MAX - reserved ? size + reserved : UINT64_MAX);
    why[0] = '\0';
    if (!fits(total, need)) {
        say_total(total, stage, reserved, need, why);
        return false;
    }
    if (!fits(count, 1)) {
        snprintf(why, USAGE_WORDS,
                 "the project may upload %" PRIi64 " images at a time, and has %" PRIi64
                 " under way (image_count_uploading)",
                 count->limit, count->used);
        return false;
    }
    return true;
}
