/* SPDX-License-Identifier: Apache-2.0 */
/* What every filter can do: read from the one before it, refuse the body, or report a violation.
 *
 * The first reason to refuse is final. The check's level and audit mode decide whether a violation
 * refuses the body, is a warning, or is only noted. While the levels are not known (`checks_wait`),
 * findings are deferred. */
#include "body/body_priv.h"
#include "intake/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

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

/* Returns the buffer for the detail. NULL: the reason was noted before, or there is no space. */
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

struct violation {
    enum check_level level;
    enum refusal reason;
    bool for_glance;
};

static char *new_violation(struct body *body, const struct violation *violation)
{
    bool reject = violation->level == CHECK_REJECT;
    if (reject && !body->audit) {
        body->refusal = violation->reason;
        body->refused_for_glance = violation->for_glance;
        return body->detail;
    }
    return new_note(reject ? &body->audited : &body->warnings, violation->reason);
}

/* NULL: no check with a level has this reason. */
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

/* Returns the buffer for the detail. NULL: it was deferred before, or there is no space. */
static char *defer_finding(struct body *body, const struct violation *violation)
{
    for (size_t i = 0; i < body->deferred_count; i++)
        if (body->deferred[i].reason == violation->reason &&
            body->deferred[i].for_glance == violation->for_glance)
            return NULL;
    if (body->deferred_count == BODY_NOTES_MAX)
        return NULL;
    struct finding *finding = &body->deferred[body->deferred_count++];
    finding->reason = violation->reason;
    finding->max_level = violation->level;
    finding->for_glance = violation->for_glance;
    return finding->detail;
}

/* False: the body is refused, now or before. */
static bool apply_violation(struct body *body, const struct violation *violation, const char *words)
{
    if (body->refusal || violation->level == CHECK_OFF)
        return !body->refusal;
    bool waits = body->checks_wait && level_of(&body->plan.checks, violation->reason);
    char *detail = waits ? defer_finding(body, violation) : new_violation(body, violation);
    if (detail)
        snprintf(detail, BODY_WORDS, "%s", words);
    return !body->refusal;
}

bool filter_report(struct filter *filter, enum check_level level, enum refusal reason,
                   const char *format, ...)
{
    char words[BODY_WORDS];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    const struct violation violation = {.level = level, .reason = reason};
    return apply_violation(filter->body, &violation, words);
}

bool filter_report_for_glance(struct filter *filter, enum refusal reason, const char *why)
{
    const struct violation violation = {CHECK_REJECT, reason, .for_glance = true};
    return apply_violation(filter->body, &violation, why);
}

/* Every check runs while the levels are not known. */
void filters_defer_checks(struct body *body)
{
    body->checks_wait = true;
    body->plan.checks =
        (struct check_levels){CHECK_REJECT, CHECK_REJECT, CHECK_REJECT, CHECK_REJECT, CHECK_REJECT};
}

void body_audit(struct body *body)
{
    body->audit = true;
}

void body_checks(struct body *body, const struct check_levels *checks)
{
    body->plan.checks = *checks;
    body->checks_wait = false;
    for (size_t i = 0; i < body->deferred_count; i++) {
        const struct finding *finding = &body->deferred[i];
        struct violation violation = {finding->max_level, finding->reason, finding->for_glance};
        if (!finding->for_glance)
            violation.level =
                MIN(*level_of(&body->plan.checks, finding->reason), finding->max_level);
        apply_violation(body, &violation, finding->detail);
    }
    body->deferred_count = 0;
}
