/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY   "0123456789abcdef0123456789abcdef"
#define OTHER "0123456789abcdef0123456789abcdeF"
static const uint64_t NOW = 1796040000;
static char question[PEER_SIGNATURE_MAX];

static int sign(void **state)
{
    (void)state;
    return signature_of_question(KEY, "/a", NOW, question) ? 0 : -1;
}

static void question_fits_its_key_path_and_time(void **state)
{
    (void)state;
    assert_true(signature_fits_question(KEY, "/a", NOW, question));
    assert_true(signature_fits_question(KEY, "/a", NOW + PEER_CLOCKS_S, question));
    assert_true(signature_fits_question(KEY, "/a", NOW - PEER_CLOCKS_S, question));
    assert_false(signature_fits_question(KEY, "/a", NOW + PEER_CLOCKS_S + 1, question));
    assert_false(signature_fits_question(KEY, "/a", NOW - PEER_CLOCKS_S - 1, question));
    assert_false(signature_fits_question(OTHER, "/a", NOW, question));
    assert_false(signature_fits_question(KEY, "/b", NOW, question));
}

static void altered_question_does_not_fit(void **state)
{
    (void)state;
    static const char *const others[] = {"", "x", "1796040000", "1796040000 ab cd"};
    assert_false(signature_fits_question(KEY, "/a", NOW, NULL));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(signature_fits_question(KEY, "/a", NOW, others[i]));
    for (size_t i = 0; question[i]; i++) {
        char before = question[i];
        question[i] = before == '0' ? '1' : '0';
        assert_false(signature_fits_question(KEY, "/a", NOW, question));
        question[i] = before;
    }
    strcat(question, "0");
    assert_false(signature_fits_question(KEY, "/a", NOW, question));
}

static void no_two_questions_are_the_same(void **state)
{
    (void)state;
    char second[PEER_SIGNATURE_MAX];
    assert_true(signature_of_question(KEY, "/a", NOW, second));
    assert_string_not_equal(question, second);
}

static void answer_fits_its_question_alone(void **state)
{
    (void)state;
    char answer[PEER_SIGNATURE_MAX], second[PEER_SIGNATURE_MAX];
    assert_true(signature_of_question(KEY, "/a", NOW, second));
    assert_true(signature_of_answer(KEY, question, "body", 4, answer));
    assert_true(signature_fits_answer(KEY, question, "body", 4, answer));
    assert_false(signature_fits_answer(KEY, question, "bodY", 4, answer));
    assert_false(signature_fits_answer(KEY, question, "body", 3, answer));
    assert_false(signature_fits_answer(KEY, second, "body", 4, answer));
    assert_false(signature_fits_answer(OTHER, question, "body", 4, answer));
    assert_false(signature_fits_answer(KEY, question, "body", 4, NULL));
    assert_false(signature_fits_answer(KEY, question, "body", 4, ""));
    assert_false(signature_of_answer(KEY, "no question", "body", 4, answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(question_fits_its_key_path_and_time, sign),
        cmocka_unit_test_setup(altered_question_does_not_fit, sign),
        cmocka_unit_test_setup(no_two_questions_are_the_same, sign),
        cmocka_unit_test_setup(answer_fits_its_question_alone, sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
