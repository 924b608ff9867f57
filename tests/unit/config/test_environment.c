/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_priv.h"
#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 64, WHY_MAX = 512 };

static int set_variables(void **state)
{
    (void)state;
    return setenv("INTAKE_T_HOST", "192.0.2.7", 1) | setenv("INTAKE_T_PORT2", "9393", 1) |
           setenv("INTAKE_T_EMPTY", "", 1) | setenv("INTAKE_T_DOLLAR", "a$b", 1) |
           setenv("INTAKE_T_LINES", "a\nb", 1) | setenv("INTAKE_T_SECRET", "s3cr3t\x01", 1) |
           unsetenv("INTAKE_T_UNSET");
}

static void check(const char *text, const char *expected, const char *problem)
{
    struct buffer out;
    struct buffer why;
    buffer_init(&out, TEXT_MAX);
    buffer_init(&why, WHY_MAX);
    bool good = environment_expand(text, &out, &why);
    assert_string_equal(buffer_text(&why), problem ? problem : "");
    assert_int_equal(good, !problem);
    if (expected)
        assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
    buffer_free(&why);
}

static void variables_are_replaced(void **state)
{
    (void)state;
    check("", "", NULL);
    check("plain", "plain", NULL);
    check("$INTAKE_T_HOST", "192.0.2.7", NULL);
    check("${INTAKE_T_HOST}", "192.0.2.7", NULL);
    check("http://$INTAKE_T_HOST:${INTAKE_T_PORT2}/", "http://192.0.2.7:9393/", NULL);
    check("${INTAKE_T_PORT2}1$INTAKE_T_PORT2", "939319393", NULL);
    check("<$INTAKE_T_EMPTY>", "<>", NULL);
}

static void a_dollar_sign_is_written_twice(void **state)
{
    (void)state;
    check("a$$b", "a$b", NULL);
    check("$$INTAKE_T_HOST", "$INTAKE_T_HOST", NULL);
    check("$$$INTAKE_T_HOST", "$192.0.2.7", NULL);
    check("$$$$", "$$", NULL);
}

static void a_value_of_the_environment_is_not_expanded_again(void **state)
{
    (void)state;
    check("$INTAKE_T_DOLLAR", "a$b", NULL);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const char form[] = "a $ begins $NAME or ${NAME}, a variable of the environment; for a "
                               "plain $ write $$";
    static const char *const malformed[] = {"$",     "a$",     "$ b",    "${", "${}",
                                            "${A",   "${A-x}", "${ A }", "$1", "${1}",
                                            "$(id)", "$-",     "${A B}"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        check(malformed[i], NULL, form);
    check("$INTAKE_T_UNSET", NULL, "the environment has no variable INTAKE_T_UNSET");
    check("a${INTAKE_T_UNSET}", NULL, "the environment has no variable INTAKE_T_UNSET");
    check("$INTAKE_T_HOST_", NULL, "the environment has no variable INTAKE_T_HOST_");
}

/* The message does not show the value: it may be a secret in a wrong place. */
static void a_control_character_is_refused(void **state)
{
    (void)state;
    check("$INTAKE_T_LINES", NULL, "the variable INTAKE_T_LINES has a control character in it");
    check("$INTAKE_T_SECRET", NULL, "the variable INTAKE_T_SECRET has a control character in it");
}

static void a_value_has_a_maximum(void **state)
{
    (void)state;
    char filled[TEXT_MAX + 2] = "";
    memset(filled, 'x', TEXT_MAX);
    check(filled, filled, NULL);
    filled[TEXT_MAX] = 'x';
    check(filled, NULL, "the value is too long");
    assert_int_equal(setenv("INTAKE_T_LONG", filled, 1), 0);
    check("$INTAKE_T_LONG", NULL, "the variable INTAKE_T_LONG makes the value too long");
}

static void escaped_text_expands_to_itself(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a", "$", "a$b", "$$", "${HOME}", "$HOME"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buffer escaped;
        buffer_init(&escaped, TEXT_MAX);
        environment_escape(texts[i], &escaped);
        check(buffer_text(&escaped), texts[i], NULL);
        buffer_free(&escaped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_replaced),
        cmocka_unit_test(a_dollar_sign_is_written_twice),
        cmocka_unit_test(a_value_of_the_environment_is_not_expanded_again),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_control_character_is_refused),
        cmocka_unit_test(a_value_has_a_maximum),
        cmocka_unit_test(escaped_text_expands_to_itself),
    };
    return cmocka_run_group_tests(tests, set_variables, NULL);
}
