/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/record.h"

#include "intake/log.h"
#include "stats/records_priv.h"

/* One row per verdict: its name, and how loud it is. A client's own doing is no warning. */
static const struct verdict {
    const char *name;
    enum log_level level;
} VERDICTS[] = {
    [UPLOAD_RUNNING] = {"running", LOG_LEVEL_INFO},
    [UPLOAD_STORED] = {"stored", LOG_LEVEL_INFO},
    [UPLOAD_ACCEPTED] = {"accepted", LOG_LEVEL_INFO},
    [UPLOAD_REFUSED] = {"refused", LOG_LEVEL_WARNING},
    [UPLOAD_REJECTED] = {"rejected", LOG_LEVEL_WARNING},
    [UPLOAD_FAILED] = {"failed", LOG_LEVEL_ERROR},
    [UPLOAD_ABORTED] = {"aborted", LOG_LEVEL_WARNING},
};

const char *upload_verdict_name(enum upload_verdict verdict)
{
    return VERDICTS[verdict].name;
}

/* A field without a text is left out. */
static const char *text_or_null(const char *text)
{
    return *text ? text : NULL;
}

void upload_log(const struct upload *upload)
{
    char fixes[64];
    char warnings[UPLOAD_WARNINGS_TEXT];
    char audit[UPLOAD_AUDIT_TEXT];
    upload_fixes_text(upload->fixes, fixes);
    upload_warnings_text(upload->warnings, warnings);
    upload_audit_text(upload, audit);
    const struct log_field fields[] = {
        {.name = "request_id", .text = upload->request_id},
        {.name = "client", .text = upload->client},
        {.name = "project", .text = upload->project},
        {.name = "image", .text = upload->image},
        {.name = "method", .text = upload->method},
        {.name = "store", .text = upload->store},
        {.name = "rule", .text = upload->rule},
        {.name = "fixes", .text = text_or_null(fixes)},
        {.name = "warnings", .text = text_or_null(warnings)},
        {.name = "audit", .text = text_or_null(audit)},
        {.name = "bytes", .is_number = true, .number = (double)upload->bytes},
        {.name = "seconds", .is_number = true, .number = upload->seconds},
        {.name = "sha512", .text = upload->sha512},
        {.name = "verified", .text = upload->verified[0] ? upload->verified : NULL},
        {.name = "image_after", .text = upload->image_after[0] ? upload->image_after : NULL},
        {.name = "glance_status",
         .is_number = upload->glance_status != 0,
         .number = upload->glance_status},
        {.name = "verdict", .text = upload_verdict_name(upload->verdict)},
        {.name = "reason", .text = refusal_row(upload->reason)->name},
    };
    log_event(VERDICTS[upload->verdict].level, upload_door_name(upload->door), fields,
              sizeof fields / sizeof *fields);
}
