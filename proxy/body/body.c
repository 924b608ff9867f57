/* SPDX-License-Identifier: Apache-2.0 */
/* The chain as a whole: made in the order of the phases, asked at its end. */
#include "intake/stream.h"

#include "body/body_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

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

/* All of them look while it is not known which of them count. */
static void let_checks_wait(struct body *body)
{
    body->checks_wait = true;
    body->plan.checks =
        (struct check_levels){CHECK_REJECT, CHECK_REJECT, CHECK_REJECT, CHECK_REJECT, CHECK_REJECT};
}

struct body *body_new(const struct body_plan *plan)
{
    struct body *body = calloc(1, sizeof *body);
    if (!body)
        return NULL;
    body->plan = *plan;
    body->audit = plan->audit;
    if (plan->checks_wait)
        let_checks_wait(body);
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
        return STREAM_REFUSED;
    body->refusal = reason;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(body->detail, sizeof body->detail, format, arguments);
    va_end(arguments);
    return STREAM_REFUSED;
}

int filter_no_memory(struct filter *filter)
{
    return filter_refuse(filter, REFUSAL_OUT_OF_MEMORY, "%s", "");
}

/* Where its particulars go; NULL: it is there already. */
static char *new_note(struct body_notes *notes, enum refusal reason)
{
    for (size_t i = 0; i < notes->count; i++)
        if (notes->rows[i].reason == reason)
            return NULL;
    if (notes->count == BODY_NOTES_MAX)
        return NULL;
    struct body_note *note = &notes->rows[notes->count++];
    note->reason = reason;
    return note->detail;
}

static char *new_objection(struct body *body, enum check_level level, enum refusal reason)
{
    if (level == CHECK_REJECT && !body->audit) {
        body->refusal = reason;
        return body->detail;
    }
    return new_note(level == CHECK_REJECT ? &body->audited : &body->warnings, reason);
}

/* NULL: it is no check that has a level. */
static enum check_level *level_of(struct check_levels *checks, enum refusal reason)
{
    switch (reason) {
    case REFUSAL_DAMAGED_BODY:
        return &checks->damaged;
    case REFUSAL_FORMAT_MISMATCH:
        return &checks->format;
    case REFUSAL_UNSAFE_FORMAT:
        return &checks->unsafe_format;
    case REFUSAL_TRUNCATED:
        return &checks->truncated;
    case REFUSAL_COMPRESSED:
        return &checks->compressed;
    default:
        return NULL;
    }
}

/* Where its particulars go; NULL: it is there already. */
static char *keep_finding(struct body *body, enum check_level level, enum refusal reason)
{
    for (size_t i = 0; i < body->kept_count; i++)
        if (body->kept[i].reason == reason)
            return NULL;
    if (body->kept_count == BODY_NOTES_MAX)
        return NULL;
    struct finding *finding = &body->kept[body->kept_count++];
    finding->reason = reason;
    finding->most = level;
    return finding->detail;
}

bool filter_object(struct filter *filter, enum check_level level, enum refusal reason,
                   const char *format, ...)
{
    struct body *body = filter->body;
    if (body->refusal || level == CHECK_OFF)
        return !body->refusal;
    bool waits = body->checks_wait && level_of(&body->plan.checks, reason);
    char *detail = waits ? keep_finding(body, level, reason) : new_objection(body, level, reason);
    if (detail) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(detail, BODY_WORDS, format, arguments);
        va_end(arguments);
    }
    return !body->refusal;
}

/* --- asked at its end ------------------------------------------------------------------ */

void body_audit(struct body *body)
{
    body->audit = true;
}

void body_checks(struct body *body, const struct check_levels *checks)
{
    struct filter *any = body->filters[FILTER_INSPECT];
    body->plan.checks = *checks;
    body->checks_wait = false;
    for (size_t i = 0; i < body->kept_count; i++) {
        const struct finding *finding = &body->kept[i];
        enum check_level level = *level_of(&body->plan.checks, finding->reason);
        filter_object(any, MIN(level, finding->most), finding->reason, "%s", finding->detail);
    }
    body->kept_count = 0;
}

void body_limit(struct body *body, const struct body_limits *limits)
{
    body->limits = *limits;
    body_within_limits(body);
}

int body_prepare(struct body *body)
{
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        int ready = body->refusal           ? STREAM_REFUSED
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
        return STREAM_REFUSED;
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

size_t body_warnings(const struct body *body, const struct body_note **rows)
{
    *rows = body->warnings.rows;
    return body->warnings.count;
}

size_t body_audited(const struct body *body, const struct body_note **rows)
{
    *rows = body->audited.rows;
    return body->audited.count;
}

bool body_finished(const struct body *body)
{
    return body->finished;
}

bool body_unwrapped(const struct body *body)
{
    return body->unwrapped;
}

bool body_wrapped(const struct body *body)
{
    return body->wrapped;
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
