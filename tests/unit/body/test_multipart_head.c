/* SPDX-License-Identifier: Apache-2.0 */
#include "body/multipart_head.h"

#include "body/multipart.h"
#include "multipart_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"
#define TYPE    "multipart/form-data"

static const struct {
    const char *content_type;
    const char *boundary; /* NULL: none */
} BOUNDARIES[] = {
    {TYPE "; boundary=" CURL, CURL},
    {TYPE "; boundary=" POSTMAN, POSTMAN},
    {TYPE "; boundary=" WEBKIT, WEBKIT},
    {TYPE ";boundary=B", "B"},
    {"Multipart/Form-Data ; BOUNDARY = B ", "B"},
    {TYPE "; boundary=\"B\"", "B"},
    {TYPE "; boundary=\"B C\"; charset=utf-8", "B C"},
    {TYPE "; charset=\"a;boundary=x\"; boundary=B", "B"},
    {TYPE "; charset=\"\\\";boundary=x\"; boundary=B", "B"},
    {TYPE "; boundary=\"===============7330845974216740156==\"",
     "===============7330845974216740156=="},
    {TYPE "; boundary===B==", "==B=="},
    {TYPE "; boundary=gc0p4Jq0M2Yt08j34c0p'()+_,-./:=?", "gc0p4Jq0M2Yt08j34c0p'()+_,-./:=?"},
    {TYPE "; boundary=" SEVENTY, SEVENTY},
    {TYPE "; boundary=\"" SEVENTY "\"", SEVENTY},
    {TYPE "; ; x; boundary=B;", "B"},
    {TYPE "; boundary=" SEVENTY "x", NULL},
    {TYPE "; boundary=\"" SEVENTY "x\"", NULL},
    {TYPE, NULL},
    {TYPE ";", NULL},
    {TYPE "; boundary", NULL},
    {TYPE "; boundary=", NULL},
    {TYPE "; boundary=\"\"", NULL},
    {TYPE "; boundary=\"B", NULL},
    {TYPE "; boundary=\"B\"C", NULL},
    {TYPE "; boundary=\"B \"", NULL},
    {TYPE "; boundary=B C", NULL},
    {TYPE "; boundary=B, " TYPE "; boundary=B", NULL},
    {TYPE "; boundary=B; boundary=C", NULL},
    {TYPE "; boundary=\xc3\xa9", NULL},
    {TYPE "; boundary=B*", NULL},
    {TYPE "; boundary=\"B\r\n\"", NULL},
    {TYPE "; boundary2=B", NULL},
    {"multipart/form-data2; boundary=B", NULL},
    {"multipart/mixed; boundary=B", NULL},
    {"application/octet-stream; boundary=B", NULL},
    {"boundary=B", NULL},
    {"", NULL},
};

static void a_content_type_names_its_boundary(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BOUNDARIES / sizeof *BOUNDARIES; i++) {
        char boundary[MULTIPART_BOUNDARY_MAX + 1];
        bool found = multipart_boundary(BOUNDARIES[i].content_type, boundary);
        if (found != (BOUNDARIES[i].boundary != NULL) ||
            (found && strcmp(boundary, BOUNDARIES[i].boundary) != 0))
            fail_msg("%s: %s", BOUNDARIES[i].content_type, found ? boundary : "none");
    }
}

#define FORM_DATA "Content-Disposition: form-data"

static const struct {
    const char *head;
    const char *filename; /* NULL: it is no file */
} NAMES[] = {
    {FORM_DATA "\r\n", NULL},
    {FORM_DATA ";\r\n", NULL},
    {FORM_DATA "; name=\"file\"\r\n", NULL},
    {FORM_DATA "; name=\"filename\"\r\n", NULL},
    {FORM_DATA "; name=\"; filename=x\"\r\n", NULL},
    {FORM_DATA "; name=\"\\\"; filename=x\"\r\n", NULL},
    {FORM_DATA "; name=file; filename\r\n", NULL},
    {FORM_DATA "; xfilename=x\r\n", NULL},
    {FORM_DATA "\r\nContent-Type: x/y; filename=x\r\n", NULL},
    {FORM_DATA "\r\nX-Content-Disposition: form-data; filename=x\r\n", NULL},
    {FORM_DATA "; name=\"file\"; filename=\"img.qcow2\"\r\n", "img.qcow2"},
    {"content-disposition:FORM-DATA;FileName=img.qcow2\r\n", "img.qcow2"},
    {"Content-Disposition :\tform-data ; filename = img.qcow2 ; name=file\r\n", "img.qcow2"},
    {"Content-Disposition:\r\n form-data;\r\n\tfilename=\"img.qcow2\"\r\n", "img.qcow2"},
    {"Content-Type: x/y\r\n" FORM_DATA "; filename=i\r\nX:\r\n", "i"},
    {"Content-Disposition: attachment; name=\"file\"; filename=\"img\"\r\n", "img"},
    {FORM_DATA "; filename=\r\n", ""},
    {FORM_DATA "; filename=\"\"\r\n", ""},
    {FORM_DATA "; filename=\"a \\\"b\\\" \\\\ c;d.img\"\r\n", "a \"b\" \\ c;d.img"},
    {FORM_DATA "; filename=\"C:\\images\\win.vhd\"\r\n", "C:\\images\\win.vhd"},
    {FORM_DATA "; filename=\"a%22b.img\"\r\n", "a%22b.img"},
    {FORM_DATA "; filename=\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xbe\"\r\n", "caf? ? ?"},
    {FORM_DATA "; filename=\"caf\xe9\x01\x7f\"\r\n", "caf???"},
    {FORM_DATA "; filename=\"img\r\n", "img"},
    {FORM_DATA "; filename=\"i\"mg\"\r\n", "i"},
    {FORM_DATA "; filename*=UTF-8''caf%C3%A9%20.img\r\n", "caf? .img"},
    {FORM_DATA "; filename*=utf-8'en'a%4\r\n", "a%4"},
    {FORM_DATA "; filename*=utf-8'en'%\r\n", "%"},
    {FORM_DATA "; filename*=%zz%41%00x\r\n", "%zzA"},
    {FORM_DATA "; filename*=utf-8''other; filename=\"i\"\r\n", "i"},
    {FORM_DATA "; filename=\"i\"; filename*=utf-8''other\r\n", "i"},
};

/* In memory that ends with it. */
static const char *read_head(const char *text, size_t length, struct multipart_head *head)
{
    char *bytes = malloc(length + !length);
    assert_non_null(bytes);
    memcpy(bytes, text, length);
    const char *fault = multipart_head_read(bytes, length, head);
    free(bytes);
    return fault;
}

static void a_part_with_a_filename_is_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct multipart_head head;
        const char *fault = read_head(NAMES[i].head, strlen(NAMES[i].head), &head);
        if (fault || !head.form_data || head.file != (NAMES[i].filename != NULL) ||
            (head.file && strcmp(head.filename, NAMES[i].filename) != 0))
            fail_msg("%s: %s", NAMES[i].head, fault ? fault : head.filename);
    }
}

static void a_long_filename_is_cut(void **state)
{
    (void)state;
    struct multipart_head head;
    char text[1024] = FORM_DATA "; filename=\"";
    size_t begin = strlen(text);
    memset(text + begin, 'x', sizeof text - begin);
    assert_null(read_head(text, sizeof text, &head));
    assert_true(head.file);
    assert_int_equal(strlen(head.filename), MULTIPART_FILENAME_MAX);
}

#define ENCODING(name) FORM_DATA "; filename=i\r\nContent-Transfer-Encoding: " name "\r\n"

static const struct {
    const char *head;
    size_t length;
    const char *fault;
} FAULTS[] = {
    {BYTES(""), NO_DISPOSITION},
    {BYTES("Content-Type: x/y\r\n"), NO_DISPOSITION},
    {BYTES("Content-Disposition:\r\n"), NO_DISPOSITION},
    {BYTES("Content-Disposition: inline; filename=i\r\n"), NO_DISPOSITION},
    {BYTES("Content-Disposition: form-data2; filename=i\r\n"), NO_DISPOSITION},
    {BYTES("Content-Disposition: \"form-data\"\r\n"), NO_DISPOSITION},
    {BYTES("Content-Disposition: form-data\0\r\n"), NO_DISPOSITION},
    {BYTES("\r\n"), NO_FIELD_LINE},
    {BYTES("image\r\n"), NO_FIELD_LINE},
    {BYTES(FORM_DATA "\r\nimage\r\n"), NO_FIELD_LINE},
    {BYTES(FORM_DATA "\r\nContent-Type: multipart/mixed; boundary=x\r\n"), NESTED},
    {BYTES("Content-Type: MULTIPART/x\r\nContent-Type: x/y\r\n" FORM_DATA "\r\n"), NESTED},
    {BYTES(FORM_DATA "\r\nContent-Type: x/multipart\r\n"), NULL},
    {BYTES(ENCODING("base64")), ENCODED},
    {BYTES(ENCODING("Quoted-Printable")), ENCODED},
    {BYTES(ENCODING("")), ENCODED},
    {BYTES(ENCODING("binary, base64")), ENCODED},
    {BYTES(ENCODING("binary")), NULL},
    {BYTES(ENCODING("8BIT")), NULL},
    {BYTES(ENCODING(" 7bit ")), NULL},
    {BYTES(FORM_DATA "\r\nContent-Transfer-Encoding: base64\r\n"), NULL},
};

static void malformed_part_head_is_a_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) {
        struct multipart_head head;
        const char *fault = read_head(FAULTS[i].head, FAULTS[i].length, &head);
        const char *wanted = FAULTS[i].fault;
        if (fault && wanted ? strcmp(fault, wanted) != 0 : fault != wanted)
            fail_msg("%s: %s", FAULTS[i].head, fault ? fault : "no fault");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_content_type_names_its_boundary),
        cmocka_unit_test(a_part_with_a_filename_is_the_file),
        cmocka_unit_test(a_long_filename_is_cut),
        cmocka_unit_test(malformed_part_head_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
