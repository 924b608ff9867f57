/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of uploads, and the results of the admission. Include after <cmocka.h>. */
#ifndef REQUEST_ADMISSION_ROWS_H
#define REQUEST_ADMISSION_ROWS_H

#include "intake/admission.h"
#include "intake/headers.h"
#include "intake/record.h"
#include "intake/request.h"
#include "intake/settings.h"

#define OCTETS "application/octet-stream"
#define RIGHT  "Content-Type", OCTETS
#define FORM   "multipart/form-data; boundary=b"
#define SIZE   "X-Openstack-Image-Size"

static const char TYPE_FAULT[] = "unsupported_content_type: its Content-Type is not " OCTETS;
static const char NO_FORM[] =
    "unsupported_content_type: only a form (multipart/form-data) can be unwrapped";
static const char SIZE_FAULT[] = "bad_request: x-openstack-image-size is not a number of bytes";

struct head {
    const char *fields[8]; /* names and values in turn, up to NULL */
    struct framing_facts framing;
};

#define LENGTH(count)                                                                              \
    {                                                                                              \
        FRAMING_LENGTH, count, false                                                               \
    }
#define CHUNKED                                                                                    \
    {                                                                                              \
        FRAMING_CHUNKED, 0, false                                                                  \
    }

/* `how` changes a setting before it is judged; NULL: the defaults. */
static inline void judge(const struct head *head, void (*how)(struct settings *settings),
                         struct admission *out)
{
    struct settings settings = {.upload = {.fix_content_type = true, .unwrap_multipart = true}};
    struct headers headers = {0};
    for (const char *const *field = head->fields; *field; field += 2)
        assert_true(headers_add(&headers, field[0], field[1]));
    if (how)
        how(&settings);
    admission_judge(&settings, &headers, &head->framing, out);
    headers_free(&headers);
}

static inline void refuse_forms(struct settings *settings)
{
    settings->upload.unwrap_multipart = false;
}

/* --- what speaks against it ------------------------------------------------------------ */

/* "size_mismatch: x-openstack-image-size is 6, ...", with a line feed between two; "empty" comes
 * first. */
static inline void violations_text(const struct admission *admission, char *text, size_t room)
{
    snprintf(text, room, "%s%s", admission->empty ? "empty" : "",
             admission->empty && admission->count ? "\n" : "");
    for (size_t i = 0; i < admission->count; i++) {
        const struct admission_violation *row = &admission->violations[i];
        size_t used = strlen(text);
        snprintf(text + used, room - used, "%s%s%s%s", i ? "\n" : "",
                 refusal_row(row->reason)->name, row->detail[0] ? ": " : "", row->detail);
    }
}

struct row {
    struct head head;
    const char *violations; /* as above, in their order */
};

static inline void judge_all(const struct row *rows, size_t count,
                             void (*how)(struct settings *settings))
{
    for (size_t i = 0; i < count; i++) {
        struct admission admission;
        char text[1024];
        judge(&rows[i].head, how, &admission);
        violations_text(&admission, text, sizeof text);
        if (strcmp(text, rows[i].violations) != 0)
            fail_msg("row %zu: \"%s\" instead of \"%s\"", i, text, rows[i].violations);
    }
}

#define JUDGE_ALL(rows, how) judge_all(rows, sizeof rows / sizeof rows[0], how)

#endif
