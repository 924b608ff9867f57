/* SPDX-License-Identifier: Apache-2.0 */
/* What was done to an upload, in the words of headers, log and metrics. */
#include "admin/admin_priv.h"
#include "intake/upload.h"

#include <stdio.h>
#include <string.h>

_Static_assert(REFUSAL_COUNT <= 32, "a set of reasons is a mask of 32 bits");

/* In the order of X-Intake-Fixed. */
static const struct {
    enum upload_fix fix;
    const char *name;
} FIXES[] = {
    {FIX_STORE, "store"},
    {FIX_CONTENT_TYPE, "content-type"},
    {FIX_MULTIPART, "multipart"},
    {FIX_LENGTH, "length"},
};

/* Appends ", name", or just the name to an empty text; what does not fit is cut off. */
static void add_name(char *text, size_t room, const char *name)
{
    size_t length = strlen(text);
    snprintf(text + length, room - length, "%s%s", length ? ", " : "", name);
}

void upload_fixes_text(unsigned fixes, char out[64])
{
    out[0] = '\0';
    for (size_t i = 0; i < sizeof FIXES / sizeof *FIXES; i++)
        if (fixes & FIXES[i].fix)
            add_name(out, 64, FIXES[i].name);
}

void upload_warnings_text(unsigned warnings, char out[UPLOAD_WARNINGS_TEXT])
{
    out[0] = '\0';
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
        if (warnings & 1U << i)
            add_name(out, UPLOAD_WARNINGS_TEXT, refusal_row((enum refusal)i)->name);
}
