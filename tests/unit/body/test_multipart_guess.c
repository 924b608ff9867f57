/* SPDX-License-Identifier: Apache-2.0 */
#include "body/multipart.h"

#include "multipart_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

struct vector {
    const char *bytes;
    size_t length;
    enum multipart_guess guess;
    const char *boundary; /* of YES */
};

static const struct vector VECTORS[] = {
    {BYTES(""), MULTIPART_PERHAPS, NULL},
    {BYTES("-"), MULTIPART_PERHAPS, NULL},
    {BYTES("--"), MULTIPART_PERHAPS, NULL},
    {BYTES("--B\r"), MULTIPART_PERHAPS, NULL},
    {BYTES("--B\r\n"), MULTIPART_PERHAPS, NULL},
    {BYTES("--B\r\n" DISPOSITION("file") "\r\n"), MULTIPART_PERHAPS, NULL},
    {BYTES("--B\r\n" DISPOSITION("file") "\r\n\r\n"), MULTIPART_YES, "B"},
    {BYTES(FORM("image")), MULTIPART_YES, "B"},
    {BYTES("--" CURL "\r\n" FILE_HEAD QCOW2), MULTIPART_YES, CURL},
    /* curl -F -H 'Content-Type: application/octet-stream' */
    {BYTES("--" CURL "\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nb\r\n--" CURL),
     MULTIPART_YES, CURL},
    {BYTES("--" POSTMAN "\r\n" FILE_HEAD QCOW2), MULTIPART_YES, POSTMAN},
    {BYTES("--" WEBKIT "\r\n" FILE_HEAD QCOW2), MULTIPART_YES, WEBKIT},
    {BYTES("--" SEVENTY "\r\n" FILE_HEAD QCOW2), MULTIPART_YES, SEVENTY},
    {BYTES("--" SEVENTY "\r"), MULTIPART_PERHAPS, NULL},
    {BYTES("--" SEVENTY "x\r\n" FILE_HEAD QCOW2), MULTIPART_NO, NULL},
    {BYTES("--B\r\nContent-Type: x/y\r\n" FILE_HEAD), MULTIPART_YES, "B"},
    /* A form that the scanner will refuse is still a form. */
    {BYTES("--B\r\nContent-Transfer-Encoding: base64\r\n" FILE_HEAD "QUFB"), MULTIPART_YES, "B"},
    {BYTES(QCOW2), MULTIPART_NO, NULL},
    {BYTES("\0\0\0\0"), MULTIPART_NO, NULL},
    {BYTES("-\r\n"), MULTIPART_NO, NULL},
    {BYTES("x--B\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("\r\n--B\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--B \r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--B\0\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--B\xc3\xa9\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--B\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--B\r\n\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--B--\r\n\r\n"), MULTIPART_NO, NULL},
    {BYTES("-- a comment\r\nSELECT 1;\r\n\r\n" FORM("image")), MULTIPART_NO, NULL},
    {BYTES("--B\r\nContent-Type: x/y\r\n\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("--B\r\nContent-Disposition: inline; filename=i\r\n\r\n"), MULTIPART_NO, NULL},
    {BYTES("--B\r\nimage\r\n" FILE_HEAD), MULTIPART_NO, NULL},
    {BYTES("-- a long line of a text that has no end of a line, and so it is none of a form "),
     MULTIPART_NO, NULL},
};

static enum multipart_guess guess(const struct vector *vector, size_t count, char *boundary)
{
    char *bytes = malloc(count + !count);
    assert_non_null(bytes);
    memcpy(bytes, vector->bytes, count);
    enum multipart_guess guessed = multipart_guess(bytes, count, boundary);
    free(bytes);
    return guessed;
}

/* PERHAPS for some of the first bytes, then a final answer. */
static void guess_is_never_taken_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        enum multipart_guess before = MULTIPART_PERHAPS;
        char boundary[MULTIPART_BOUNDARY_MAX + 1];
        for (size_t count = 0; count <= VECTORS[i].length; count++) {
            enum multipart_guess guessed = guess(&VECTORS[i], count, boundary);
            if (guessed != before && before != MULTIPART_PERHAPS)
                fail_msg("vector %zu, %zu bytes: %d after %d", i, count, guessed, before);
            before = guessed;
        }
        if (before != VECTORS[i].guess)
            fail_msg("vector %zu: %d", i, before);
        if (before == MULTIPART_YES)
            assert_string_equal(boundary, VECTORS[i].boundary);
    }
}

/* A head that has not ended by then does not end at all. */
static void guess_needs_a_limited_number_of_bytes(void **state)
{
    (void)state;
    static char bytes[2 * MULTIPART_HIDDEN_MAX];
    static const char begin[] = "--B\r\n" DISPOSITION("file") "; x=";
    static const char end[4] = {'\r', '\n', '\r', '\n'};
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, begin, sizeof begin - 1);
    assert_int_equal(multipart_guess(bytes, MULTIPART_HIDDEN_MAX - 1, boundary), MULTIPART_PERHAPS);
    assert_int_equal(multipart_guess(bytes, MULTIPART_HIDDEN_MAX, boundary), MULTIPART_NO);
    memcpy(bytes + MULTIPART_HIDDEN_MAX - 3, end, sizeof end);
    assert_int_equal(multipart_guess(bytes, sizeof bytes, boundary), MULTIPART_NO);
    memcpy(bytes + MULTIPART_HIDDEN_MAX - 4, end, sizeof end);
    assert_int_equal(multipart_guess(bytes, sizeof bytes, boundary), MULTIPART_YES);
    assert_int_equal(multipart_guess(bytes, MULTIPART_HIDDEN_MAX, boundary), MULTIPART_YES);
}

/* A guessed form is one for the scanner, too. */
static void guessed_boundary_is_the_scanners(void **state)
{
    (void)state;
    for (size_t i = 0; i < MULTIPART_VECTORS_COUNT; i++) {
        const struct multipart_vector *vector = &MULTIPART_VECTORS[i];
        char boundary[MULTIPART_BOUNDARY_MAX + 1];
        if (multipart_guess(vector->body, vector->length, boundary) != MULTIPART_YES)
            continue;
        struct multipart *multipart = multipart_new(boundary, vector->length);
        struct multipart_span span;
        assert_non_null(multipart);
        multipart_scan(multipart, vector->body, vector->length, true, &span);
        const char *fault = multipart_fault(multipart);
        assert_true(!fault || strcmp(fault, NO_BOUNDARY) != 0);
        multipart_free(multipart);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guess_is_never_taken_back),
        cmocka_unit_test(guess_needs_a_limited_number_of_bytes),
        cmocka_unit_test(guessed_boundary_is_the_scanners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
