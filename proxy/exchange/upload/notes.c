/* SPDX-License-Identifier: Apache-2.0 */
/* What the filters of the body have let pass, for the log, the metrics and the record. */
#include "exchange/upload/upload_steps.h"

#include "intake/body.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"

static void note_warnings(struct exchange *x)
{
    const struct body_note *rows;
    size_t count = body_warnings(x->body, &rows);
    for (; x->warnings_noted < count; x->warnings_noted++) {
        const struct body_note *row = &rows[x->warnings_noted];
        x->record->warnings |= refusal_bit(row->reason);
        metrics_warned(x->parts->metrics, row->reason);
        log_say(LOG_LEVEL_WARNING, "%s: let pass: %s%s%s", x->request.id,
                refusal_row(row->reason)->name, row->detail[0] ? ": " : "", row->detail);
    }
}

/* Told when it is new: a format may give something late in the body. */
void upload_note(struct exchange *x)
{
    const struct body_note *rows;
    size_t count = body_audited(x->body, &rows);
    note_warnings(x);
    for (; x->audited_noted < count; x->audited_noted++)
        report_violation_for(x, rows[x->audited_noted].reason, "%s", rows[x->audited_noted].detail);
}
