/* SPDX-License-Identifier: Apache-2.0 */
/* How large the parts of a form may be. */
#include "body/multipart.h"
#include "multipart_vectors.h"
#include "support/splits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "multipart_caller.h"

/* --- bounds ---------------------------------------------------------------------------- */

enum { AROUND = 1024 * 1024, ROOM = AROUND + 64 * 1024 };

/* A form with `field` bytes in a field before the image, `line` in an unused line of its part head,
 * `parts` empty fields after it, and an epilogue of `after` bytes. */
struct large {
    size_t field;
    size_t line;
    size_t parts;
    size_t after;
    const char *fault;
};

static size_t put(char *out, size_t at, const char *text)
{
    return at + (size_t)sprintf(out + at, "%s", text);
}

static size_t fill(char *out, size_t at, size_t count)
{
    memset(out + at, '\r', count);
    return at + count;
}

static size_t build(char *out, const struct large *large)
{
    size_t at = put(out, 0, "--B\r\n" DISPOSITION("a") "\r\n\r\n");
    at = put(out, fill(out, at, large->field), "\r\n--B\r\nX:");
    memset(out + at, '-', large->line);
    at = put(out, at + large->line, "\r\n" FILE_HEAD "image\r\n--B");
    for (size_t i = 0; i < large->parts; i++)
        at = put(out, at, "\r\n" DISPOSITION("") "\r\n\r\n\r\n--B");
    return fill(out, put(out, at, "--"), large->after);
}

#define BEFORE_HEAD                                                                                \
    (sizeof "--B\r\n" DISPOSITION("a") "\r\n\r\n"                                                  \
                                       "\r\n--B" -                                                 \
     1)
#define HEAD_BYTES                                                                                 \
    (sizeof "\r\nX:"                                                                               \
            "\r\n" FILE_HEAD -                                                                     \
     1)
#define BEFORE     "more than 1 MiB comes before its file"
#define BEHIND     "more than 1 MiB follows its file"
#define HEAD_LONG  "the head of one of its parts is longer than 8 KiB"
#define PARTS_MANY "it has more than 100 parts"

static const struct large LARGE[] = {
    {0, 0, 98, 0, NULL},
    {0, 0, 99, 0, PARTS_MANY},
    {0, MULTIPART_HEAD_MAX - HEAD_BYTES, 0, 0, NULL},
    {0, MULTIPART_HEAD_MAX - HEAD_BYTES + 1, 0, 0, HEAD_LONG},
    {0, ROOM / 2, 0, 0, HEAD_LONG},
    {AROUND - BEFORE_HEAD, 0, 0, 0, NULL},
    {AROUND - BEFORE_HEAD + 1, 0, 0, 0, BEFORE},
    {ROOM, 0, 0, 0, BEFORE},
    {ROOM, 0, 99, 0, BEFORE},
    {AROUND - BEFORE_HEAD, MULTIPART_HEAD_MAX, 0, 0, HEAD_LONG},
    {0, 0, 0, AROUND, NULL},
    {0, 0, 0, AROUND + 1, BEHIND},
    {0, 0, 0, ROOM, BEHIND},
    {0, 0, 99, ROOM, PARTS_MANY},
};

static void attempt_large(const struct large *large, const char *body, size_t length, size_t piece)
{
    struct feed feed;
    feed_begin(&feed, "B", length);
    feed_all(&feed, body, length, (struct cuts){piece, piece, piece}, true);
    const char *fault = multipart_fault(feed.multipart);
    if (!same_text(fault, large->fault))
        fail_msg("row %td in pieces of %zu: %s", large - LARGE, piece, fault ? fault : "no fault");
    assert_true(fault || feed.image_count == strlen("image"));
    feed_end(&feed);
}

static void bytes_around_the_image_are_bounded(void **state)
{
    (void)state;
    char *body = malloc(2 * ROOM);
    assert_non_null(body);
    for (size_t i = 0; i < sizeof LARGE / sizeof *LARGE; i++) {
        size_t length = build(body, &LARGE[i]);
        for (size_t piece = 977; piece < length; piece *= 9)
            attempt_large(&LARGE[i], body, length, piece);
        attempt_large(&LARGE[i], body, length, length);
        if (length < ROOM / 2)
            attempt_large(&LARGE[i], body, length, 1);
    }
    free(body);
}

static void image_in_a_form_is_not_bounded(void **state)
{
    (void)state;
    struct feed feed;
    static const char begin[] = "--B\r\n" FILE_HEAD;
    static const char zeros[IMAGE_MAX / 2];
    feed_begin(&feed, "B", UINT64_MAX);
    feed_bytes(&feed, begin, sizeof begin - 1, false);
    for (size_t i = 0; i < 2; i++)
        feed_bytes(&feed, zeros, sizeof zeros, false);
    feed_bytes(&feed, "\r\n--B--", 7, true);
    assert_true(feed.good);
    assert_int_equal(feed.image_count, IMAGE_MAX);
    feed_end(&feed);
}

static void longest_boundary_is_found(void **state)
{
    (void)state;
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    char body[512];
    memset(boundary, '-', MULTIPART_BOUNDARY_MAX);
    boundary[MULTIPART_BOUNDARY_MAX] = '\0';
    size_t at = put(body, put(body, put(body, 0, "--"), boundary), "\r\n" FILE_HEAD "image\r\n--");
    at = put(body, put(body, at, boundary), "--\r\n");
    struct multipart_vector vector = {"70 dashes",    boundary, body, at,
                                      BYTES("image"), "i",      true, NULL};
    splits_each(at, attempt_split, &vector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_around_the_image_are_bounded),
        cmocka_unit_test(image_in_a_form_is_not_bounded),
        cmocka_unit_test(longest_boundary_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
