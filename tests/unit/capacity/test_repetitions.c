/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/repetitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char image[REPETITION_IMAGE_MAX + 1];

static enum repetition_state begin(struct repetitions *all, const char *key,
                                   struct repetition **out)
{
    memset(image, 0, sizeof image);
    return repetition_begin(all, key, out, image);
}

static void one_runs_at_a_time(void **state)
{
    (void)state;
    struct repetitions *all = repetitions_new();
    struct repetition *a, *b, *c;
    assert_int_equal(begin(all, "a", &a), REPETITION_FIRST);
    assert_int_equal(begin(all, "a", &c), REPETITION_RUNNING);
    assert_null(c);
    assert_int_equal(begin(all, "b", &b), REPETITION_FIRST);
    repetition_end(all, a, NULL); /* it has failed */
    assert_int_equal(begin(all, "a", &a), REPETITION_FIRST);
    repetition_end(all, a, "image-a");
    assert_int_equal(begin(all, "a", &a), REPETITION_DONE);
    assert_string_equal(image, "image-a");
    assert_int_equal(begin(all, "a", &c), REPETITION_RUNNING);
    repetition_end(all, a, NULL); /* the image is gone */
    assert_int_equal(begin(all, "a", &a), REPETITION_FIRST);
    repetition_end(all, NULL, NULL);
    repetitions_free(all); /* with two that run */
}

static void the_latest_are_kept(void **state)
{
    (void)state;
    struct repetitions *all = repetitions_new();
    struct repetition *row, *running;
    char key[16];
    assert_int_equal(begin(all, "running", &running), REPETITION_FIRST);
    for (int i = 0; i < REPETITIONS_KEPT + 2; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(begin(all, key, &row), REPETITION_FIRST);
        repetition_end(all, row, key);
    }
    assert_int_equal(begin(all, "running", &row), REPETITION_RUNNING);
    assert_int_equal(begin(all, "1", &row), REPETITION_FIRST); /* forgotten */
    assert_int_equal(begin(all, "2", &row), REPETITION_DONE);
    assert_string_equal(image, "2");
    repetitions_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_runs_at_a_time),
        cmocka_unit_test(the_latest_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
