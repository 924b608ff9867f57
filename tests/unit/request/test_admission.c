/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/admission.h"
#include "intake/headers.h"
#include "intake/record.h"
#include "intake/request.h"
#include "intake/settings.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admission_rows.h"

static void be_strict(struct settings *settings)
{
    settings->upload.fix_content_type = false;
}

/* --- what speaks against it ------------------------------------------------------------ */

/* Glance ignores these fields, and what it stores would not be the image. */
static void content_range_and_encoding_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{NULL}, LENGTH(5)}, ""},
        {{{"Content-Range", "bytes 0-4/9", NULL}, LENGTH(5)}, "content_range"},
        {{{"content_range", "", NULL}, LENGTH(5)}, "content_range"},
        {{{"Content-Encoding", "gzip", NULL}, LENGTH(5)}, "content_encoding"},
        {{{"Content-Encoding", "identity, gzip", NULL}, LENGTH(5)}, "content_encoding"},
        {{{"Content-Encoding", "Identity", NULL}, LENGTH(5)}, ""},
        {{{"Content-Encoding", "", NULL}, LENGTH(5)}, ""},
        {{{"Content-Encoding", "identity", "content_encoding", "gzip", NULL}, LENGTH(5)},
         "content_encoding"},
    };
    JUDGE_ALL(rows, NULL);
}

/* Any type is fixed, except a multipart type that is no form. */
static void most_content_types_are_fixed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{RIGHT, NULL}, LENGTH(5)}, ""},
        {{{"Content-Type", "text/plain", NULL}, LENGTH(5)}, ""},
        {{{"Content-Type", FORM, NULL}, LENGTH(5)}, ""},
        {{{"Content-Type", "Multipart/Form-Data; boundary=b", NULL}, LENGTH(5)}, ""},
        {{{"Content-Type", "multipart/mixed; boundary=b", NULL}, LENGTH(5)}, NO_FORM},
        {{{"Content-Type", "MULTIPART/related", NULL}, LENGTH(5)}, NO_FORM},
    };
    JUDGE_ALL(rows, NULL);
}

static void unfixed_content_type_must_be_glances(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{RIGHT, NULL}, LENGTH(5)}, ""},
        {{{"Content-Type", OCTETS "; charset=binary", NULL}, LENGTH(5)}, ""},
        {{{"Content-Type", FORM, NULL}, LENGTH(5)}, ""},
        {{{NULL}, LENGTH(5)}, "unsupported_content_type: it has no Content-Type"},
        {{{"Content-Type", "Application/Octet-Stream", NULL}, LENGTH(5)}, TYPE_FAULT},
        {{{"Content-Type", OCTETS "x", NULL}, LENGTH(5)}, TYPE_FAULT},
        {{{"Content-Type", "", NULL}, LENGTH(5)}, TYPE_FAULT},
        {{{RIGHT, RIGHT, NULL}, LENGTH(5)}, TYPE_FAULT},
    };
    JUDGE_ALL(rows, be_strict);
}

static void form_is_refused_where_forms_are(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{"Content-Type", FORM, NULL}, LENGTH(5)}, "unsupported_content_type: it is a form"},
        {{{"Content-Type", "text/plain", NULL}, LENGTH(5)}, ""},
    };
    JUDGE_ALL(rows, refuse_forms);
}

static void all_findings_are_reported_in_order(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{"X-Openstack-Image-Size", "x", "Content-Encoding", "gzip", "Content-Range", "x", NULL},
          LENGTH(0)},
         "empty\ncontent_range\ncontent_encoding\n"
         "unsupported_content_type: it has no Content-Type\n"
         "bad_request: x-openstack-image-size is not a number of bytes"},
    };
    JUDGE_ALL(rows, be_strict);
}

/* --- what will be changed -------------------------------------------------------------- */

static void head_announces_what_will_be_changed(void **state)
{
    (void)state;
    enum { TYPE = FIX_CONTENT_TYPE, UNWRAP = FIX_MULTIPART | FIX_CONTENT_TYPE };
    static const struct {
        struct head head;
        void (*how)(struct settings *settings);
        unsigned fixes;
    } rows[] = {
        {{{RIGHT, NULL}, LENGTH(5)}, NULL, 0},
        {{{"content_type", OCTETS, NULL}, LENGTH(5)}, NULL, 0},
        {{{NULL}, LENGTH(5)}, NULL, TYPE},
        {{{RIGHT, RIGHT, NULL}, LENGTH(5)}, NULL, TYPE},
        {{{"Content-Type", "Application/Octet-Stream", NULL}, LENGTH(5)}, NULL, TYPE},
        {{{"Content-Type", OCTETS "; charset=binary", NULL}, LENGTH(5)}, be_strict, TYPE},
        {{{"Content-Type", "text/plain", NULL}, LENGTH(5)}, be_strict, 0}, /* refused instead */
        {{{"Content-Type", "multipart/mixed", NULL}, LENGTH(5)}, NULL, 0},
        {{{"Content-Type", FORM, NULL}, LENGTH(70)}, NULL, UNWRAP},
        {{{"Content-Type", FORM, NULL}, LENGTH(70)}, be_strict, UNWRAP},
        {{{"Content-Type", FORM, NULL}, LENGTH(70)}, refuse_forms, 0},
        {{{RIGHT, NULL}, CHUNKED}, NULL, 0}, /* the store decides about a length */
        {{{RIGHT, SIZE, "5", NULL}, CHUNKED}, NULL, FIX_LENGTH},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, NULL, UNWRAP},
        {{{"Content-Type", FORM, SIZE, "5", NULL}, CHUNKED}, NULL, UNWRAP | FIX_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admission admission;
        judge(&rows[i].head, rows[i].how, &admission);
        if (admission.fixes != rows[i].fixes)
            fail_msg("row %zu: %u instead of %u", i, admission.fixes, rows[i].fixes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_range_and_encoding_are_refused),
        cmocka_unit_test(most_content_types_are_fixed),
        cmocka_unit_test(unfixed_content_type_must_be_glances),
        cmocka_unit_test(form_is_refused_where_forms_are),
        cmocka_unit_test(all_findings_are_reported_in_order),
        cmocka_unit_test(head_announces_what_will_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
