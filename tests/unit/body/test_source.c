/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "feeder.h"

static struct body *begin(const struct body_plan *plan)
{
    return body_alone(&filter_source, plan);
}

static void declared_length_is_the_images_until_a_form_is_found(void **state)
{
    (void)state;
    static const struct {
        struct body_plan plan;
        bool known;
        uint64_t length;
    } rows[] = {
        {{0}, false, 0},
        {{.length_known = true, .length = 7}, true, 7},
        {{.promised = true, .promise = 8}, true, 8},
        {{.length_known = true, .length = 7, .promised = true, .promise = 8}, true, 7},
        {{.promised = true, .promise = 8, .audit = true}, false, 0},
        {{.length_known = true, .length = 7, .promised = true, .promise = 8, .audit = true},
         true,
         7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t length;
        struct body *body = begin(&rows[i].plan);
        assert_int_equal(body_length(body, &length), rows[i].known);
        if (rows[i].known)
            assert_int_equal(length, rows[i].length);
        body_done(body);
    }
}

/* A script of the client's stream, a letter for each read: w(ait), l(ost), anything else a byte. */
static ssize_t say(void *context, void *into, size_t room)
{
    const char **script = context;
    assert_int_not_equal(room, 0);
    char next = **script;
    *script += next ? 1 : 0;
    *(char *)into = next;
    return next == 'w' ? STREAM_WAIT : next == 'l' ? STREAM_LOST : next ? 1 : STREAM_END;
}

static void stream_results_are_passed_on(void **state)
{
    (void)state;
    const char *script = "awb";
    const struct body_plan plan = {.read = say, .context = &script};
    struct body *body = begin(&plan);
    char into[BODY_READ_MIN];
    assert_int_equal(body_prepare(body), 1);
    assert_int_equal(body_read(body, into, sizeof into), 1);
    assert_int_equal(into[0], 'a');
    assert_int_equal(body_read(body, into, sizeof into), STREAM_WAIT);
    assert_int_equal(body_read(body, into, sizeof into), 1);
    assert_int_equal(into[0], 'b');
    assert_int_equal(body_read(body, into, sizeof into), STREAM_END);
    assert_int_equal(body_read(body, into, sizeof into), STREAM_END);
    script = "l";
    assert_int_equal(body_read(body, into, sizeof into), STREAM_LOST);
    body_done(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(declared_length_is_the_images_until_a_form_is_found),
        ENV_TEST(stream_results_are_passed_on),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
