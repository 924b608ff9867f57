/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const known[] = {
    "bind",
    "max_connections",
    "stall_timeout",
    "header_timeout",
    "ca_file",
    "a",
    "a_word_of_more_than_sixty_three_letters_is_nothing_anybody_would_mistype",
};

static void nearest_word_is_suggested(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        const char *meant;
    } rows[] = {
        {"bind", "bind"},
        {"bidn", "bind"},
        {"binds", "bind"},
        {"bin", "bind"},
        {"maxconnections", "max_connections"},
        {"max_connection", "max_connections"},
        {"stal_timeout", "stall_timeout"},
        {"cafile", "ca_file"},
        {"heder_timeout", "header_timeout"},
        {"keepalive", NULL},
        {"b", NULL},
        {"", NULL},
        {"zzzz", NULL},
        {"max_sessions", NULL},
        {"a_word_of_more_than_sixty_three_letters_is_nothing_anybody_would_mistyp", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found = suggest_word(rows[i].word, known, sizeof known / sizeof known[0]);
        if (rows[i].meant)
            assert_string_equal(found, rows[i].meant);
        else
            assert_null(found);
    }
}

static void no_known_words_suggest_nothing(void **state)
{
    (void)state;
    assert_null(suggest_word("bind", known, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_word_is_suggested),
        cmocka_unit_test(no_known_words_suggest_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
