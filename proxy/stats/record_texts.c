/* SPDX-License-Identifier: Apache-2.0 */
/* Names what was done to an upload, for headers, log and metrics. */
#include "intake/record.h"
#include "stats/records_priv.h"

#include <stdio.h>
#include <string.h>

_Static_assert(REFUSAL_COUNT <= 64, "a set of reasons is a mask of 64 bits");

const char *record_kind_name(enum record_kind kind)
{
    static const char *const names[] = {[RECORD_FILE] = "upload",
                                        [RECORD_STAGE] = "stage",
                                        [RECORD_IMPORT] = "import",
                                        [RECORD_LOCATIONS] = "locations",
                                        [RECORD_TASK] = "task"};
    return names[kind];
}

const char *record_state_name(enum record_state state)
{
    static const char *const names[] = {[RECORD_SENDING] = "sending",
                                        [RECORD_QUEUED] = "queued",
                                        [RECORD_SPOOLING] = "spooling",
                                        [RECORD_HELD] = "held"};
    return names[state];
}

/* In the order of X-Intake-Fixed. */
static const struct {
    enum record_fix fix;
    const char *name;
} FIXES[] = {
    {FIX_STORE, "store"},   {FIX_CONTENT_TYPE, "content-type"}, {FIX_MULTIPART, "multipart"},
    {FIX_LENGTH, "length"}, {FIX_COMPRESSED, "compressed"},
};

/* Appends ", name", or only the name if the text is empty. Cuts off what does not fit in `size`
 * bytes. */
static void add_name(char *text, size_t size, const char *name)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", length ? ", " : "", name);
}

static void add_fixes(char *text, size_t size, unsigned fixes)
{
    for (size_t i = 0; i < sizeof FIXES / sizeof *FIXES; i++)
        if (fixes & FIXES[i].fix)
            add_name(text, size, FIXES[i].name);
}

static void add_reasons(char *text, size_t size, uint64_t reasons)
{
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
        if (reasons & refusal_bit((enum refusal)i))
            add_name(text, size, refusal_row((enum refusal)i)->name);
}

void record_fixes_text(unsigned fixes, char out[64])
{
    out[0] = '\0';
    add_fixes(out, 64, fixes);
}

void record_warnings_text(uint64_t warnings, char out[RECORD_WARNINGS_TEXT])
{
    out[0] = '\0';
    add_reasons(out, RECORD_WARNINGS_TEXT, warnings);
}

void record_audit_text(const struct request_record *record, char out[RECORD_AUDIT_TEXT])
{
    out[0] = '\0';
    add_fixes(out, RECORD_AUDIT_TEXT, record->audit_fixes);
    add_reasons(out, RECORD_AUDIT_TEXT, record->audit_reasons);
}
