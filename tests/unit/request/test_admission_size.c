/* SPDX-License-Identifier: Apache-2.0 */
/* The size of an upload, as far as its head has it. */
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

/* --- what speaks against it ------------------------------------------------------------ */

static void declared_sizes_must_agree(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{NULL}, LENGTH(0)}, "empty"},
        {{{NULL}, {FRAMING_NONE, 0, false}}, "empty"},
        {{{"Content-Type", FORM, NULL}, LENGTH(0)}, "empty"},
        {{{NULL}, LENGTH(1)}, ""},
        {{{SIZE, "5", NULL}, LENGTH(5)}, ""},
        {{{SIZE, "5", NULL}, CHUNKED}, ""},
        {{{SIZE, "0", NULL}, CHUNKED}, "empty"},
        {{{SIZE, "0", NULL}, LENGTH(0)}, "empty"},
        {{{SIZE, "0", "Content-Type", FORM, NULL}, LENGTH(70)}, "empty"},
        {{{SIZE, "6", NULL}, LENGTH(5)},
         "size_mismatch: x-openstack-image-size is 6, and Content-Length is 5"},
        {{{SIZE, "6", "Content-Type", FORM, NULL}, LENGTH(5)}, ""},
        {{{SIZE, "9223372036854775807", NULL}, CHUNKED}, ""},
        {{{SIZE, "9223372036854775808", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, "99999999999999999999", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, "", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, "+5", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, "-5", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, " 5", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, "5 ", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, "0x5", NULL}, CHUNKED}, SIZE_FAULT},
        {{{SIZE, "5", "x_openstack_image_size", "5", NULL}, LENGTH(5)}, SIZE_FAULT},
    };
    JUDGE_ALL(rows, NULL);
}

/* --- how large it is ------------------------------------------------------------------- */

static void size_is_the_images_or_unknown(void **state)
{
    (void)state;
    static const struct {
        struct head head;
        void (*how)(struct settings *settings);
        bool declared_form, promised, size_known, size_comes, no_length;
        uint64_t size; /* if it is known */
    } rows[] = {
        {{{NULL}, LENGTH(7)}, NULL, false, false, true, false, false, 7},
        {{{NULL}, {FRAMING_NONE, 0, false}}, NULL, false, false, true, false, false, 0},
        {{{SIZE, "7", NULL}, LENGTH(7)}, NULL, false, true, true, false, false, 7},
        {{{NULL}, CHUNKED}, NULL, false, false, false, false, true, 0},
        {{{SIZE, "5", NULL}, CHUNKED}, NULL, false, true, true, false, false, 5},
        {{{SIZE, "x", NULL}, CHUNKED}, NULL, false, false, false, false, true, 0},
        /* the file in a form is smaller than the form */
        {{{"Content-Type", FORM, NULL}, LENGTH(70)}, NULL, true, false, false, true, false, 0},
        {{{"Content-Type", FORM, SIZE, "5", NULL}, LENGTH(70)},
         NULL,
         true,
         true,
         true,
         true,
         false,
         5},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, NULL, true, false, false, false, true, 0},
        {{{"Content-Type", FORM, SIZE, "5", NULL}, CHUNKED},
         NULL,
         true,
         true,
         true,
         false,
         false,
         5},
        /* but where forms are not unwrapped it is a body like any other */
        {{{"Content-Type", FORM, NULL}, LENGTH(70)},
         refuse_forms,
         false,
         false,
         true,
         false,
         false,
         70},
        {{{"Content-Type", FORM, NULL}, CHUNKED},
         refuse_forms,
         false,
         false,
         false,
         false,
         true,
         0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admission admission;
        judge(&rows[i].head, rows[i].how, &admission);
        if (admission.declared_form != rows[i].declared_form ||
            admission.promised != rows[i].promised || admission.size_known != rows[i].size_known ||
            admission.size_comes != rows[i].size_comes ||
            admission.no_length != rows[i].no_length ||
            (rows[i].size_known && admission.size != rows[i].size) ||
            (rows[i].promised && admission.promise != rows[i].size))
            fail_msg("row %zu: form %d, promised %d, known %d, comes %d, none %d, size %" PRIu64, i,
                     admission.declared_form, admission.promised, admission.size_known,
                     admission.size_comes, admission.no_length, admission.size);
    }
}

/* The length counts, even if the declared size is malformed. */
static void mismatching_size_headers_keep_the_size(void **state)
{
    (void)state;
    static const struct head head = {{SIZE, "6", NULL}, LENGTH(5)};
    struct admission admission;
    judge(&head, NULL, &admission);
    assert_true(admission.size_known);
    assert_int_equal(admission.size, 5);
    assert_true(admission.promised);
    assert_int_equal(admission.promise, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declared_sizes_must_agree),
        cmocka_unit_test(size_is_the_images_or_unknown),
        cmocka_unit_test(mismatching_size_headers_keep_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
