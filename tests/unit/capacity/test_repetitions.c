/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/repetitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct repetition_made made;

static enum repetition_state begin(struct repetitions *all, const char *key,
                                   struct repetition **out)
{
    made = (struct repetition_made){0};
    return repetition_begin(all, key, out, &made);
}

static void end(struct repetitions *all, struct repetition *row, const char *image, uint64_t sent)
{
    struct repetition_made ended = {.sent = sent};
    snprintf(ended.image, sizeof ended.image, "%s", image);
    repetition_end(all, row, &ended);
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
    end(all, a, "image-a", 17);
    assert_int_equal(begin(all, "a", &a), REPETITION_DONE);
    assert_string_equal(made.image, "image-a");
    assert_int_equal(made.sent, 17);
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
        end(all, row, key, REPETITION_SENT_UNKNOWN);
    }
    assert_int_equal(begin(all, "running", &row), REPETITION_RUNNING);
    assert_int_equal(begin(all, "1", &row), REPETITION_FIRST); /* forgotten */
    assert_int_equal(begin(all, "2", &row), REPETITION_DONE);
    assert_string_equal(made.image, "2");
    assert_true(made.sent == REPETITION_SENT_UNKNOWN);
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
