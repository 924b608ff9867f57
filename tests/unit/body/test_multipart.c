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

#include "multipart_caller.h"

/* --- the vectors ----------------------------------------------------------------------- */

static void every_form_gives_its_image_however_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < MULTIPART_VECTORS_COUNT; i++)
        splits_each(MULTIPART_VECTORS[i].length, attempt_split, &MULTIPART_VECTORS[i]);
}

enum { SHORT = 128 };

static void short_forms_are_read_split_at_every_two_points(void **state)
{
    (void)state;
    for (size_t i = 0; i < MULTIPART_VECTORS_COUNT; i++) {
        const struct multipart_vector *vector = &MULTIPART_VECTORS[i];
        for (size_t first = 1; first < vector->length && vector->length <= SHORT; first++)
            for (size_t second = 1; second < vector->length - first; second++)
                attempt((struct cuts){first, second, vector->length}, vector, true);
    }
}

static void image_bytes_are_passed_on_as_they_come(void **state)
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

static void image_length_is_known_with_the_part_head(void **state)
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
static void body_too_short_for_its_end_is_reported_at_once(void **state)
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

static void fault_is_permanent(void **state)
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

static void multipart_free_accepts_null(void **state)
{
    (void)state;
    multipart_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_its_image_however_split),
        cmocka_unit_test(short_forms_are_read_split_at_every_two_points),
        cmocka_unit_test(image_bytes_are_passed_on_as_they_come),
        cmocka_unit_test(image_length_is_known_with_the_part_head),
        cmocka_unit_test(body_too_short_for_its_end_is_reported_at_once),
        cmocka_unit_test(fault_is_permanent),
        cmocka_unit_test(multipart_free_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
