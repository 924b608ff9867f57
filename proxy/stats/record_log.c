/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the log line of a request record. */
#include "intake/record.h"

#include "intake/log.h"
#include "stats/records_priv.h"

/* One row per verdict: its name, and its log level. */
static const struct verdict {
    const char *name;
    enum log_level level;
} VERDICTS[] = {
    [VERDICT_RUNNING] = {"running", LOG_LEVEL_INFO},
    [VERDICT_STORED] = {"stored", LOG_LEVEL_INFO},
    [VERDICT_ACCEPTED] = {"accepted", LOG_LEVEL_INFO},
    [VERDICT_REFUSED] = {"refused", LOG_LEVEL_WARNING},
    [VERDICT_REJECTED] = {"rejected", LOG_LEVEL_WARNING},
    [VERDICT_FAILED] = {"failed", LOG_LEVEL_ERROR},
    [VERDICT_ABORTED] = {"aborted", LOG_LEVEL_WARNING},
    [VERDICT_ANSWERED] = {"answered", LOG_LEVEL_INFO},
};

const char *record_verdict_name(enum record_verdict verdict)
{
    return VERDICTS[verdict].name;
}

enum log_level record_verdict_level(enum record_verdict verdict)
{
    return VERDICTS[verdict].level;
}

/* log_event() leaves out a field whose text is NULL. */
static const char *text_or_null(const char *text)
{
    return *text ? text : NULL;
}

void record_log(const struct request_record *record)
{
    char fixes[64];
    char warnings[RECORD_WARNINGS_TEXT];
    char audit[RECORD_AUDIT_TEXT];
    record_fixes_text(record->fixes, fixes);
    record_warnings_text(record->warnings, warnings);
    record_audit_text(record, audit);
    const struct log_field fields[] = {
        {.name = "request_id", .text = record->request_id},
        {.name = "trace_id", .text = text_or_null(record->trace_id)},
        {.name = "client", .text = record->client},
        {.name = "project", .text = record->project},
        {.name = "image", .text = record->image},
        {.name = "method", .text = record->method},
        {.name = "store", .text = record->store},
        {.name = "rule", .text = record->rule},
        {.name = "fixes", .text = text_or_null(fixes)},
        {.name = "warnings", .text = text_or_null(warnings)},
        {.name = "audit", .text = text_or_null(audit)},
        {.name = "bytes", .is_number = true, .number = (double)record->bytes},
        {.name = "queued",
         .is_number = record->queued_ms != 0,
         .number = (double)record->queued_ms / 1000},
        {.name = "seconds", .is_number = true, .number = record->seconds},
        {.name = "resumed", .is_number = record->resumed > 0, .number = record->resumed},
        {.name = "sha512", .text = record->sha512},
        {.name = "verified", .text = record->verified[0] ? record->verified : NULL},
        {.name = "image_after", .text = record->image_after[0] ? record->image_after : NULL},
        {.name = "attempts", .is_number = record->attempts > 1, .number = record->attempts},
        {.name = "glance_status",
         .is_number = record->glance_status != 0,
         .number = record->glance_status},
        {.name = "verdict", .text = record_verdict_name(record->verdict)},
        {.name = "reason", .text = refusal_row(record->reason)->name},
    };
    log_event(VERDICTS[record->verdict].level, record_kind_name(record->kind), fields,
              sizeof fields / sizeof *fields);
}
