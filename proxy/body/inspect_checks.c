/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the opening of the image: was it damaged on its way, is it of the declared format, would
 * Glance refuse it later? */
#include "body/decoded.h"
#include "body/encoded.h"
#include "body/inspect_priv.h"
#include "body/stripped.h"

size_t inspect_checked_count(const struct inspect *inspect)
{
    size_t count = inspect->opening ? inspect->count : 0;
    return count < FORMAT_OPENING ? count : FORMAT_OPENING;
}

static const char STRIPPED[] =
    "it has lost bytes, as curl -d strips NUL, line feed and carriage return from a file";

bool inspect_check_damage(struct inspect *inspect)
{
    const struct check_levels *checks = &inspect->filter.body->plan.checks;
    if (inspect->count == 0)
        return inspect->filter.body->plan.may_be_empty ||
               filter_report(&inspect->filter, CHECK_REJECT, REFUSAL_EMPTY_BODY, "%s", "");
    const char *text = encoded_as(inspect->opening, inspect_checked_count(inspect));
    if (text)
        return filter_report(&inspect->filter, checks->damaged, REFUSAL_DAMAGED_BODY,
                             "it is %s made of a file, and not the file itself", text);
    const char *damage = stripped(inspect->opening, inspect_checked_count(inspect))
                             ? STRIPPED
                             : decoded_as_text(inspect->opening, inspect_checked_count(inspect));
    return !damage ||
           filter_report(&inspect->filter, checks->damaged, REFUSAL_DAMAGED_BODY, "%s", damage);
}

/* A sound file may end where its last table ends. */
bool inspect_check_line_ends(struct inspect *inspect)
{
    const struct check_levels *checks = &inspect->filter.body->plan.checks;
    const char *converted = line_ends_converted(&inspect->line_ends);
    if (!inspect->counts_line_ends || !converted || inspect->offset == inspect->examination.needed)
        return true;
    return filter_report(&inspect->filter, checks->damaged, REFUSAL_DAMAGED_BODY, "%s", converted);
}

static const enum refusal REASONS[] = {
    [FORMAT_MISMATCH] = REFUSAL_FORMAT_MISMATCH, [FORMAT_UNSAFE] = REFUSAL_UNSAFE_FORMAT,
    [FORMAT_DAMAGED] = REFUSAL_DAMAGED_BODY,     [FORMAT_TRUNCATED] = REFUSAL_TRUNCATED,
    [FORMAT_COMPRESSED] = REFUSAL_COMPRESSED,
};

static enum check_level level_of(const struct body *body, enum format_judgement judgement)
{
    const struct check_levels *checks = &body->plan.checks;
    const enum check_level levels[] = {
        [FORMAT_MISMATCH] = checks->format,       [FORMAT_UNSAFE] = checks->unsafe_format,
        [FORMAT_DAMAGED] = checks->damaged,       [FORMAT_TRUNCATED] = checks->truncated,
        [FORMAT_COMPRESSED] = checks->compressed,
    };
    return levels[judgement];
}

typedef enum format_judgement judge_fn(const struct format_declaration *declaration,
                                       const struct format_examination *examination,
                                       const void *opening, size_t count, bool whole,
                                       char why[FORMAT_WORDS]);

/* Asks for judgements until one refuses the body, or all others were let pass. */
static bool judge_by(struct inspect *inspect, judge_fn *by, enum check_level most)
{
    const struct body *body = inspect->filter.body;
    struct format_declaration declaration = {.disk_format = body->plan.disk_format,
                                             .container_format = body->plan.container_format,
                                             .vmware_disktype = body->plan.vmware_disktype,
                                             .hypervisor = body->plan.hypervisor};
    for (int i = FORMAT_GOOD + 1; i < FORMAT_JUDGEMENTS; i++)
        declaration.counts[i] = level_of(body, (enum format_judgement)i) != CHECK_OFF;
    char why[FORMAT_WORDS];
    for (;;) {
        enum format_judgement judgement = by(&declaration, &inspect->examination, inspect->opening,
                                             inspect_checked_count(inspect), inspect->ended, why);
        if (judgement == FORMAT_GOOD)
            return true;
        enum check_level level = level_of(body, judgement);
        if (!filter_report(&inspect->filter, level < most ? level : most, REASONS[judgement], "%s",
                           why))
            return false;
        declaration.counts[judgement] = false;
    }
}

/* Glance's inspectors look at the opening only, so this is checked once. */
static bool judge_for_glance(struct inspect *inspect)
{
    bool checked = inspect->glance_checked;
    inspect->glance_checked = true;
    return checked ||
           glance_checks_judge(&inspect->filter, inspect->opening, inspect_checked_count(inspect));
}

static bool judge_format(struct inspect *inspect)
{
    return judge_by(inspect, format_judge, CHECK_REJECT) && judge_for_glance(inspect) &&
           judge_by(inspect, format_remark, CHECK_WARN);
}

bool inspect_check(struct inspect *inspect)
{
    struct body *body = inspect->filter.body;
    body->seen = inspect->examination.seen;
    body->virtual_size_known = inspect->examination.virtual_size_known;
    body->virtual_size = inspect->examination.virtual_size;
    body->no_disk = !body->virtual_size_known && !inspect->examination.next.length;
    return judge_format(inspect) && body_within_limits(body);
}
