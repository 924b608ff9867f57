/* SPDX-License-Identifier: Apache-2.0 */
/* The chain as a whole: made in the order of the phases, asked at its end. */
#include "body/body_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct filter_kind *const KINDS[] = {
    &filter_source, &filter_envelope, &filter_measure, &filter_inspect,
    &filter_keep,   &filter_digest,   &filter_finish,
};

/* --- made and ended -------------------------------------------------------------------- */

static bool add_filter(struct body *body, const struct filter_kind *kind)
{
    struct filter *filter = calloc(1, kind->size);
    if (!filter)
        return false;
    filter->kind = kind;
    filter->body = body;
    body->filters[kind->phase] = filter;
    return true;
}

static bool begin_chain(struct body *body)
{
    struct filter *before = NULL;
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        filter->before = before;
        if (filter->kind->begin && !filter->kind->begin(filter))
            return false;
        before = filter;
    }
    return true;
}

struct body *body_new(const struct body_plan *plan)
{
    struct body *body = calloc(1, sizeof *body);
    if (!body)
        return NULL;
    body->plan = *plan;
    body->limits = (struct body_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX};
    bool good = true;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        good = good && add_filter(body, KINDS[i]);
    if (!good || !begin_chain(body)) {
        body_free(body);
        return NULL;
    }
    return body;
}

void body_free(struct body *body)
{
    if (!body)
        return;
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        if (filter && filter->kind->end)
            filter->kind->end(filter);
        free(filter);
    }
    free(body);
}

/* --- what filters say ------------------------------------------------------------------ */

ssize_t filter_pull(struct filter *filter, void *into, size_t room)
{
    return filter->before->kind->read(filter->before, into, room);
}

int filter_refuse(struct filter *filter, enum refusal reason, const char *format, ...)
{
    struct body *body = filter->body;
    if (body->refusal)
        return BODY_REFUSED;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(body->detail, sizeof body->detail, format, arguments);
    va_end(arguments);
    body->refusal = reason;
    return BODY_REFUSED;
}

int filter_no_memory(struct filter *filter)
{
    return filter_refuse(filter, REFUSAL_GLANCE_UNREACHABLE, "this proxy is short of memory");
}

static bool has_warned(const struct body *body, enum refusal reason)
{
    for (size_t i = 0; i < body->warning_count; i++)
        if (body->warnings[i].reason == reason)
            return true;
    return false;
}

bool filter_object(struct filter *filter, enum check_level level, enum refusal reason,
                   const char *detail)
{
    struct body *body = filter->body;
    if (level == CHECK_REJECT)
        return filter_refuse(filter, reason, "%s", detail) != BODY_REFUSED;
    if (level == CHECK_WARN && !has_warned(body, reason) &&
        body->warning_count < BODY_WARNINGS_MAX) {
        struct body_warning *warning = &body->warnings[body->warning_count++];
        warning->reason = reason;
        snprintf(warning->detail, sizeof warning->detail, "%s", detail);
    }
    return true;
}

/* --- asked at its end ------------------------------------------------------------------ */

void body_limit(struct body *body, const struct body_limits *limits)
{
    body->limits = *limits;
    body_within_limits(body);
}

int body_prepare(struct body *body)
{
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        int ready = body->refusal           ? BODY_REFUSED
                    : filter->kind->prepare ? filter->kind->prepare(filter)
                                            : 1;
        if (ready != 1)
            return ready;
    }
    return 1;
}

ssize_t body_read(struct body *body, void *into, size_t room)
{
    if (body->refusal)
        return BODY_REFUSED;
    struct filter *last = body->filters[FILTER_PHASES - 1];
    return last->kind->read(last, into, room);
}

bool body_length(const struct body *body, uint64_t *length)
{
    *length = body->length;
    return body->length_known;
}

enum refusal body_refusal(const struct body *body, const char **detail)
{
    *detail = body->detail;
    return body->refusal;
}

size_t body_warnings(const struct body *body, const struct body_warning **rows)
{
    *rows = body->warnings;
    return body->warning_count;
}

bool body_finished(const struct body *body)
{
    return body->finished;
}

bool body_unwrapped(const struct body *body)
{
    return body->unwrapped;
}

uint64_t body_spooled(const struct body *body)
{
    return keep_spooled(body->filters[FILTER_KEEP]);
}

uint64_t body_count(const struct body *body)
{
    return finish_given(body->filters[FILTER_FINISH]);
}

struct digests *body_digests(struct body *body)
{
    return digest_set(body->filters[FILTER_DIGEST]);
}
