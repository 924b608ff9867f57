/* SPDX-License-Identifier: Apache-2.0 */
/* What every filter can do: read from the one before it, refuse the body, or report a violation.
 *
 * The first reason to refuse counts, for good. A violation refuses, is a warning, or is only noted
 * for the audit, as its check's level and the policy say. While it is not known which levels count
 * (`checks_wait`), what the checks find is kept. */
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
static char *keep_finding(struct body *body, const struct violation *violation)
{
    for (size_t i = 0; i < body->kept_count; i++)
        if (body->kept[i].reason == violation->reason &&
            body->kept[i].for_glance == violation->for_glance)
            return NULL;
    if (body->kept_count == BODY_NOTES_MAX)
        return NULL;
    struct finding *finding = &body->kept[body->kept_count++];
    finding->reason = violation->reason;
    finding->most = violation->level;
    finding->for_glance = violation->for_glance;
    return finding->detail;
}

/* False: refused. */
static bool note(struct body *body, const struct violation *violation, const char *words)
{
    if (body->refusal || violation->level == CHECK_OFF)
        return !body->refusal;
    bool waits = body->checks_wait && level_of(&body->plan.checks, violation->reason);
    char *detail = waits ? keep_finding(body, violation) : new_violation(body, violation);
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
    return note(filter->body, &violation, words);
}

bool filter_object_for_glance(struct filter *filter, enum refusal reason, const char *why)
{
    const struct violation violation = {CHECK_REJECT, reason, .for_glance = true};
    return note(filter->body, &violation, why);
}

/* All of them look while it is not known which of them count. */
void filters_let_checks_wait(struct body *body)
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
    for (size_t i = 0; i < body->kept_count; i++) {
        const struct finding *finding = &body->kept[i];
        struct violation violation = {finding->most, finding->reason, finding->for_glance};
        if (!finding->for_glance)
            violation.level = MIN(*level_of(&body->plan.checks, finding->reason), finding->most);
        note(body, &violation, finding->detail);
    }
    body->kept_count = 0;
}
