/* SPDX-License-Identifier: Apache-2.0 */
/* Records what the filters of the body have let pass: in the log, the metrics and the record. */
#include "exchange/upload/upload_steps.h"

#include "intake/metrics.h"
#include "intake/record.h"

static void note_warnings(struct upload_flow *upload)
{
    struct exchange *x = &upload->x;
    const struct body_note *rows;
    size_t count = body_warnings(upload->body, &rows);
    for (; upload->warnings_noted < count; upload->warnings_noted++) {
        const struct body_note *row = &rows[upload->warnings_noted];
        x->record->warnings |= refusal_bit(row->reason);
        metrics_warned(x->parts->metrics, row->reason);
        request_say(&x->request, LOG_LEVEL_WARNING, "let pass: %s%s%s",
                    refusal_row(row->reason)->name, row->detail[0] ? ": " : "", row->detail);
    }
}

/* A check of a format may find something late in the body, so this is called several times. */
void upload_note(struct upload_flow *upload)
{
    const struct body_note *rows;
    size_t count = body_audited(upload->body, &rows);
    note_warnings(upload);
    for (; upload->violations_noted < count; upload->violations_noted++) {
        const struct body_note *row = &rows[upload->violations_noted];
        report_violation_for(&upload->x, row->reason, "%s", row->detail);
    }
}
