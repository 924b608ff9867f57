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
static void judge(const struct head *head, void (*how)(struct settings *settings),
                  struct admission *out)
{
    struct settings settings = {.upload = {.fix_content_type = true,
                                           .unwrap_multipart = true,
                                           .unknown_length = UNKNOWN_LENGTH_SPOOL}};
    struct headers headers = {0};
    for (const char *const *field = head->fields; *field; field += 2)
        assert_true(headers_add(&headers, field[0], field[1]));
    if (how)
        how(&settings);
    admission_judge(&settings, &headers, &head->framing, out);
    headers_free(&headers);
}

static void be_strict(struct settings *settings)
{
    settings->upload.fix_content_type = false;
}

static void refuse_forms(struct settings *settings)
{
    settings->upload.unwrap_multipart = false;
}

static void refuse_unknown(struct settings *settings)
{
    settings->upload.unknown_length = UNKNOWN_LENGTH_REJECT;
}

static void stream_unknown(struct settings *settings)
{
    settings->upload.unknown_length = UNKNOWN_LENGTH_STREAM;
}

/* --- what speaks against it ------------------------------------------------------------ */

/* "size_mismatch: x-openstack-image-size is 6, ...", with a line feed between two; "empty" comes
 * first. */
static void violations_text(const struct admission *admission, char *text, size_t room)
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

static void judge_all(const struct row *rows, size_t count, void (*how)(struct settings *settings))
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

/* Glance ignores these fields, and what it stores would not be the image. */
static void parts_and_codings_are_objected_to(void **state)
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

/* Any type is put right, but for a set of parts that is no form. */
static void most_types_can_be_fixed(void **state)
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

static void where_types_are_not_fixed_only_glances_own_passes(void **state)
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

static void where_forms_are_refused_this_one_is(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{"Content-Type", FORM, NULL}, LENGTH(5)}, "unsupported_content_type: it is a form"},
        {{{"Content-Type", "text/plain", NULL}, LENGTH(5)}, ""},
    };
    JUDGE_ALL(rows, refuse_forms);
}

static void a_size_must_be_one_and_agree(void **state)
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

static void an_unknown_length_is_judged_as_the_settings_say(void **state)
{
    (void)state;
    static const struct row unknown[] = {{{{NULL}, CHUNKED}, ""}};
    static const struct row refused[] = {
        {{{NULL}, CHUNKED}, "length_required"},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, "length_required"},
        {{{SIZE, "5", NULL}, CHUNKED}, ""},
        {{{NULL}, LENGTH(5)}, ""},
    };
    JUDGE_ALL(unknown, NULL);
    JUDGE_ALL(unknown, stream_unknown);
    JUDGE_ALL(refused, refuse_unknown);
}

static void all_of_it_is_told_in_order(void **state)
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

static void the_head_tells_what_will_be_changed(void **state)
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
        {{{RIGHT, NULL}, CHUNKED}, NULL, FIX_LENGTH},
        {{{RIGHT, NULL}, CHUNKED}, stream_unknown, 0},
        {{{RIGHT, NULL}, CHUNKED}, refuse_unknown, 0},
        {{{RIGHT, SIZE, "5", NULL}, CHUNKED}, stream_unknown, FIX_LENGTH},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, NULL, UNWRAP | FIX_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admission admission;
        judge(&rows[i].head, rows[i].how, &admission);
        if (admission.fixes != rows[i].fixes)
            fail_msg("row %zu: %u instead of %u", i, admission.fixes, rows[i].fixes);
    }
}

/* --- how large it is ------------------------------------------------------------------- */

static void the_size_is_the_images_or_still_to_come(void **state)
{
    (void)state;
    static const struct {
        struct head head;
        void (*how)(struct settings *settings);
        bool declared_form, promised, size_known, size_comes;
        uint64_t size; /* if it is known */
    } rows[] = {
        {{{NULL}, LENGTH(7)}, NULL, false, false, true, false, 7},
        {{{NULL}, {FRAMING_NONE, 0, false}}, NULL, false, false, true, false, 0},
        {{{SIZE, "7", NULL}, LENGTH(7)}, NULL, false, true, true, false, 7},
        {{{NULL}, CHUNKED}, NULL, false, false, false, true, 0},
        {{{NULL}, CHUNKED}, stream_unknown, false, false, false, false, 0},
        {{{SIZE, "5", NULL}, CHUNKED}, NULL, false, true, true, false, 5},
        {{{SIZE, "5", NULL}, CHUNKED}, stream_unknown, false, true, true, false, 5},
        {{{SIZE, "x", NULL}, CHUNKED}, NULL, false, false, false, true, 0},
        /* the file in a form is smaller than the form */
        {{{"Content-Type", FORM, NULL}, LENGTH(70)}, NULL, true, false, false, true, 0},
        {{{"Content-Type", FORM, SIZE, "5", NULL}, LENGTH(70)}, NULL, true, true, true, true, 5},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, NULL, true, false, false, true, 0},
        {{{"Content-Type", FORM, NULL}, CHUNKED}, stream_unknown, true, false, false, false, 0},
        {{{"Content-Type", FORM, SIZE, "5", NULL}, CHUNKED}, NULL, true, true, true, false, 5},
        /* but where forms are not unwrapped it is a body like any other */
        {{{"Content-Type", FORM, NULL}, LENGTH(70)}, refuse_forms, false, false, true, false, 70},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admission admission;
        judge(&rows[i].head, rows[i].how, &admission);
        if (admission.declared_form != rows[i].declared_form ||
            admission.promised != rows[i].promised || admission.size_known != rows[i].size_known ||
            admission.size_comes != rows[i].size_comes ||
            (rows[i].size_known && admission.size != rows[i].size) ||
            (rows[i].promised && admission.promise != rows[i].size))
            fail_msg("row %zu: form %d, promised %d, known %d, comes %d, size %" PRIu64, i,
                     admission.declared_form, admission.promised, admission.size_known,
                     admission.size_comes, admission.size);
    }
}

/* Whatever is wrong with the promise: the length is the length. */
static void a_broken_promise_leaves_the_size(void **state)
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
        cmocka_unit_test(parts_and_codings_are_objected_to),
        cmocka_unit_test(most_types_can_be_fixed),
        cmocka_unit_test(where_types_are_not_fixed_only_glances_own_passes),
        cmocka_unit_test(where_forms_are_refused_this_one_is),
        cmocka_unit_test(a_size_must_be_one_and_agree),
        cmocka_unit_test(an_unknown_length_is_judged_as_the_settings_say),
        cmocka_unit_test(all_of_it_is_told_in_order),
        cmocka_unit_test(the_head_tells_what_will_be_changed),
        cmocka_unit_test(the_size_is_the_images_or_still_to_come),
        cmocka_unit_test(a_broken_promise_leaves_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
