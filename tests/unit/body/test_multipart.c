/* SPDX-License-Identifier: Apache-2.0 */
#include "body/multipart.h"

#include "multipart_vectors.h"
#include "support/splits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- a caller, who sees to it that a byte too far is seen ------------------------------- */

/* Pieces of `first`, then `second`, then `rest` bytes. */
struct cuts {
    size_t first;
    size_t second;
    size_t rest;
};

enum { IMAGE_MAX = 4 * 1024 * 1024 };

static char image[IMAGE_MAX]; /* what was handed on */

struct feed {
    struct multipart *multipart;
    size_t image_count;
    char held[MULTIPART_HOLD_MAX];
    size_t hold;
    bool good;
};

static void feed_begin(struct feed *feed, const char *boundary, uint64_t total)
{
    feed->multipart = multipart_new(boundary, total);
    feed->image_count = 0;
    feed->hold = 0;
    feed->good = true;
    assert_non_null(feed->multipart);
}

static void feed_end(struct feed *feed)
{
    multipart_free(feed->multipart);
}

static void take(struct feed *feed, const char *piece, size_t count, bool last)
{
    struct multipart_span span;
    feed->good = multipart_scan(feed->multipart, piece, count, last, &span);
    assert_int_equal(feed->good, !multipart_fault(feed->multipart));
    assert_true(span.at <= count && span.data <= count - span.at);
    assert_true(span.hold <= count - span.at - span.data);
    assert_true(span.hold <= MULTIPART_HOLD_MAX);
    assert_true(!last || !span.hold);
    assert_true(span.data <= IMAGE_MAX - feed->image_count);
    memcpy(image + feed->image_count, piece + span.at, span.data);
    feed->image_count += span.data;
    feed->hold = span.hold;
    memcpy(feed->held, piece + count - span.hold, span.hold);
}

/* The held bytes and the new ones, in memory that ends with them. */
static void feed_bytes(struct feed *feed, const char *bytes, size_t count, bool last)
{
    char *piece = malloc(feed->hold + count + (feed->hold + count == 0));
    assert_non_null(piece);
    memcpy(piece, feed->held, feed->hold);
    if (count)
        memcpy(piece + feed->hold, bytes, count);
    take(feed, piece, feed->hold + count, last);
    free(piece);
}

static size_t cut(struct cuts cuts, size_t at, size_t length)
{
    size_t piece = at == 0 ? cuts.first : at == cuts.first ? cuts.second : cuts.rest;
    return piece < length - at ? piece : length - at;
}

/* The end comes with the last piece, or alone. */
static void feed_all(struct feed *feed, const char *bytes, size_t length, struct cuts cuts,
                     bool end_alone)
{
    for (size_t at = 0; at < length && feed->good;) {
        size_t piece = cut(cuts, at, length);
        feed_bytes(feed, bytes + at, piece, !end_alone && at + piece == length);
        at += piece;
    }
    if (feed->good && (end_alone || !length))
        feed_bytes(feed, NULL, 0, true);
}

/* --- the vectors ----------------------------------------------------------------------- */

static bool same_text(const char *one, const char *other)
{
    return one && other ? !strcmp(one, other) : one == other;
}

static bool length_right(const struct feed *feed, const struct multipart_vector *vector, bool told)
{
    uint64_t length = 0;
    bool known = multipart_length(feed->multipart, &length);
    return vector->fault ||
           (known == told && (!told || (length == vector->image_length) == vector->foretold));
}

/* A fault may come before the image's bytes are handed on, and then they do not count. */
static bool image_right(const struct feed *feed, const struct multipart_vector *vector)
{
    return feed->image_count <= vector->image_length &&
           !memcmp(image, vector->image, feed->image_count) &&
           (vector->fault || feed->image_count == vector->image_length);
}

static void attempt(struct cuts cuts, const struct multipart_vector *vector, bool told)
{
    for (int end_alone = 0; end_alone < 2; end_alone++) {
        struct feed feed;
        feed_begin(&feed, vector->boundary, told ? vector->length : UINT64_MAX);
        feed_all(&feed, vector->body, vector->length, cuts, end_alone);
        const char *fault = multipart_fault(feed.multipart);
        const char *filename = multipart_filename(feed.multipart);
        if (!same_text(fault, vector->fault) || !same_text(filename, vector->filename) ||
            !image_right(&feed, vector) || !length_right(&feed, vector, told))
            fail_msg("%s, {%zu, %zu, %zu}: %zu bytes of %s, %s", vector->name, cuts.first,
                     cuts.second, cuts.rest, feed.image_count, filename ? filename : "no file",
                     fault ? fault : "no fault");
        feed_end(&feed);
    }
}

static void attempt_split(struct split split, const void *context)
{
    attempt((struct cuts){split.first, split.rest, split.rest}, context, true);
    attempt((struct cuts){split.first, split.rest, split.rest}, context, false);
}

static void every_form_gives_its_image_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < MULTIPART_VECTORS_COUNT; i++)
        splits_each(MULTIPART_VECTORS[i].length, attempt_split, &MULTIPART_VECTORS[i]);
}

enum { SHORT = 128 };

static void short_forms_are_cut_in_three_at_every_two_points(void **state)
{
    (void)state;
    for (size_t i = 0; i < MULTIPART_VECTORS_COUNT; i++) {
        const struct multipart_vector *vector = &MULTIPART_VECTORS[i];
        for (size_t first = 1; first < vector->length && vector->length <= SHORT; first++)
            for (size_t second = 1; second < vector->length - first; second++)
                attempt((struct cuts){first, second, vector->length}, vector, true);
    }
}

static void an_image_is_handed_on_as_it_comes(void **state)
{
    (void)state;
    struct feed feed;
    static const char body[] = "--B\r\n" FILE_HEAD "image";
    feed_begin(&feed, "B", UINT64_MAX);
    feed_bytes(&feed, body, sizeof body - 1, false);
    assert_int_equal(feed.image_count, 5);
    feed_bytes(&feed, "\r", 1, false);
    assert_int_equal(feed.image_count, 5);
    feed_bytes(&feed, "\r", 1, false);
    assert_int_equal(feed.image_count, 6);
    feed_bytes(&feed, "\n--", 3, false);
    assert_int_equal(feed.image_count, 6);
    feed_bytes(&feed, "X", 1, false);
    assert_int_equal(feed.image_count, 11);
    assert_int_equal(feed.hold, 0);
    feed_end(&feed);
}

static void the_length_is_known_with_the_head(void **state)
{
    (void)state;
    struct feed feed;
    uint64_t length = 7;
    static const char head[] = "--B\r\n" FILE_HEAD;
    uint64_t large = UINT64_C(5) << 40;
    feed_begin(&feed, "B", sizeof head - 1 + large + sizeof "\r\n--B--\r\n" - 1);
    feed_bytes(&feed, head, sizeof head - 2, false);
    assert_false(multipart_length(feed.multipart, &length));
    assert_null(multipart_filename(feed.multipart));
    assert_int_equal(length, 7);
    feed_bytes(&feed, "\n", 1, false);
    assert_true(multipart_length(feed.multipart, &length));
    assert_true(length == large);
    feed_end(&feed);
}

/* As soon as it is clear that nothing can end the file any more. */
static void a_body_too_short_for_its_end_is_told_at_once(void **state)
{
    (void)state;
    static const char head[] = "--B\r\n" FILE_HEAD;
    for (size_t missing = 0; missing < 2; missing++) {
        struct feed feed;
        feed_begin(&feed, "B", sizeof head - 1 + strlen("\r\n--B--") - missing);
        feed_bytes(&feed, head, sizeof head - 1, false);
        assert_int_equal(feed.good, !missing);
        assert_true(same_text(multipart_fault(feed.multipart), missing ? IN_THE_MIDDLE : NULL));
        feed_end(&feed);
    }
}

static void a_fault_is_for_good(void **state)
{
    (void)state;
    struct feed feed;
    feed_begin(&feed, "B", UINT64_MAX);
    feed_bytes(&feed, "--B--", 5, false);
    assert_false(feed.good);
    feed_bytes(&feed, BYTES(FORM("image")), true);
    assert_false(feed.good);
    assert_string_equal(multipart_fault(feed.multipart), NO_FILE);
    assert_int_equal(feed.image_count, 0);
    feed_end(&feed);
}

static void nothing_can_be_freed(void **state)
{
    (void)state;
    multipart_free(NULL);
}

/* --- bounds ---------------------------------------------------------------------------- */

enum { AROUND = 1024 * 1024, ROOM = AROUND + 64 * 1024 };

/* A form with `field` bytes in a field in front of the image, `line` in a line of its head that
 * says nothing, `parts` empty fields behind it, and an epilogue of `after` bytes. */
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

static void what_stands_around_the_image_is_bounded(void **state)
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

static void the_image_is_not_bounded(void **state)
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

static void the_longest_boundary_is_found(void **state)
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
        cmocka_unit_test(every_form_gives_its_image_however_it_is_cut),
        cmocka_unit_test(short_forms_are_cut_in_three_at_every_two_points),
        cmocka_unit_test(an_image_is_handed_on_as_it_comes),
        cmocka_unit_test(the_length_is_known_with_the_head),
        cmocka_unit_test(a_body_too_short_for_its_end_is_told_at_once),
        cmocka_unit_test(a_fault_is_for_good),
        cmocka_unit_test(nothing_can_be_freed),
        cmocka_unit_test(what_stands_around_the_image_is_bounded),
        cmocka_unit_test(the_image_is_not_bounded),
        cmocka_unit_test(the_longest_boundary_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
