/* SPDX-License-Identifier: Apache-2.0 */
/* Forms, and the results of the envelope filter. Include after <cmocka.h>. */
#ifndef BODY_ENVELOPE_FORMS_H
#define BODY_ENVELOPE_FORMS_H

#include "body/multipart.h"
#include "feeder.h"
#include "intake/body.h"
#include "intake/stream.h"
#include "promising.h"

#define DECLARED    "multipart/form-data; boundary=B"
#define FIELD       "Content-Disposition: form-data; name=\"f\"\r\n\r\nvalue\r\n"
#define FILE_       "Content-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n\r\n"
#define FORM(image) "--B\r\n" FILE_ image "\r\n--B--\r\n"

/* Parts of delimiters, and lookalikes. */
#define ALIKE "\r\n\r\n--\r\n-B\n--B\n\r\n--BB\r\n--B \r\r\n--B-\r\n--b--\r\n-\r"

/* A body, and the image in it. NULL: it is refused as malformed. `more`: by how many bytes a field
 * after the file makes the prediction too large. */
struct vector {
    const char *body;
    const char *image;
    const char *detail;
    size_t more;
};

#define BEHIND "\r\n--B\r\n" FIELD "--B--\r\n"

static const struct vector FORMS[] = {
    {FORM("IMAGE"), "IMAGE", "", 0},
    {FORM(""), "", "", 0},
    {FORM("\r\n"), "\r\n", "", 0},
    {FORM("\r\n--"), "\r\n--", "", 0},
    {FORM("--B--\r\n"), "--B--\r\n", "", 0},
    {FORM(ALIKE), ALIKE, "", 0},
    {FORM("a\nb\rc\r\nd"), "a\nb\rc\r\nd", "", 0},
    {"--B\r\n" FIELD "--B\r\n" FIELD FORM("IMAGE"), "IMAGE", "", 0},
    {"--B\r\n" FILE_ "IMAGE" BEHIND, "IMAGE", "", sizeof BEHIND - sizeof "\r\n--B--\r\n"},
    {"--B\r\n" FIELD "--B--\r\n", NULL,
     "none of its fields is a file: in the form, the field must be of the type file", 0},
    {"--B\r\n" FILE_ "IMAGE\r\n" FORM("two"), NULL, "it has two files", 0},
    {"--B\r\n" FILE_ "IMAGE\r\n--B", NULL, "it ends in the middle", 0},
    {"--B\r\n" FILE_ "IMAGE\r", NULL, "it ends in the middle", 0},
    {"--B\r\n" FILE_ "IMAGE\r\n--B\r\nContent-Disposition: form-da", NULL, "it ends in the middle",
     0},
    {"--B\r\n" FILE_ "", NULL, "it ends in the middle", 0},
};

enum { FORM_COUNT = sizeof FORMS / sizeof FORMS[0] };

/* --- in any pieces --------------------------------------------------------------------- */

static inline void assert_refused(struct body *body, enum refusal refusal, const char *expected)
{
    const char *detail;
    assert_int_equal(body_refusal(body, &detail), refusal);
    assert_string_equal(detail, expected);
}

#endif
