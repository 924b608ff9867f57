/* SPDX-License-Identifier: Apache-2.0 */
/* Digests that the client has declared, against those of its body. */
#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "promising.h"
#include "pump.h"

/* --- what was promised ----------------------------------------------------------------- */

/* Promises for a body and for the image in it. Both begin as kept. */
struct given {
    struct promises promises, image_promises;
    enum body_form form;
    const char *broken; /* the field; NULL: it is all kept */
};

static const char TEXT[] = "an image that was promised";

static void give(struct split split, const void *context)
{
    const struct given *given = context;
    struct feeder feeder = feeder_of(TEXT, sizeof TEXT - 1);
    feeder.split = split;
    feeder.waits = true;
    struct body_plan plan = plan_of(&feeder);
    plan.promises = &given->promises;
    plan.image_promises = &given->image_promises;
    struct pump pump = {body_alone(&filter_digest, &plan), &feeder, TEXT, sizeof TEXT - 1, 0, 0};
    pump.body->form = given->form;
    assert_int_equal(pump_all(&pump), given->broken ? STREAM_REFUSED : STREAM_END);
    assert_int_equal(pump.given, sizeof TEXT - 1); /* finish.c holds the last byte back */
    if (given->broken)
        assert_mismatch(pump.body, given->broken);
    body_done(pump.body);
}

static struct given all_kept(void)
{
    struct given given = {0};
    promise_add(&given.promises, "Repr-Digest", "sha512", TEXT, sizeof TEXT - 1);
    promise_add(&given.promises, "Digest", "sha1", TEXT, sizeof TEXT - 1);
    promise_add(&given.promises, "Content-MD5", "md5", TEXT, sizeof TEXT - 1);
    promise_add(&given.image_promises, "owner_specified", "sha256", TEXT, sizeof TEXT - 1);
    return given;
}

static void declared_digests_are_compared_at_the_end(void **state)
{
    (void)state;
    static const struct {
        size_t row; /* 3: the image's */
        const char *broken;
    } rows[] = {
        {0, "Repr-Digest promises another sha512 than the data has"},
        {1, "Digest promises another sha1 than the data has"},
        {2, "Content-MD5 promises another md5 than the data has"},
        {3, "owner_specified promises another sha256 than the data has"},
    };
    struct given given = all_kept();
    splits_each(sizeof TEXT - 1, give, &given);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        given = all_kept();
        given.broken = rows[i].broken;
        promise_break(rows[i].row < 3 ? &given.promises.rows[rows[i].row]
                                      : &given.image_promises.rows[0]);
        splits_each(sizeof TEXT - 1, give, &given);
    }
}

static void first_of_several_mismatches_is_reported(void **state)
{
    (void)state;
    struct given given = all_kept();
    promise_break(&given.promises.rows[1]);
    promise_break(&given.promises.rows[2]);
    promise_break(&given.image_promises.rows[0]);
    given.broken = "Digest promises another sha1 than the data has";
    give((struct split){1, 1}, &given);
}

/* The form was held to its own. */
static void only_the_image_of_a_form_is_hashed(void **state)
{
    (void)state;
    struct given given = all_kept();
    given.form = FORM_UNWRAPPED;
    for (size_t i = 0; i < given.promises.count; i++)
        promise_break(&given.promises.rows[i]);
    give((struct split){1, 1}, &given);
    promise_break(&given.image_promises.rows[0]);
    given.broken = "owner_specified promises another sha256 than the data has";
    give((struct split){1, 1}, &given);
}

static void lost_body_is_not_compared(void **state)
{
    (void)state;
    struct promises promises = {0};
    struct feeder feeder = feeder_of(TEXT, 5);
    struct body_plan plan = plan_of(&feeder);
    promise_add(&promises, "Repr-Digest", "sha512", TEXT, sizeof TEXT - 1);
    plan.promises = &promises;
    feeder.breaks = true;
    struct pump pump = {body_alone(&filter_digest, &plan), &feeder, TEXT, 5, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_LOST);
    body_done(pump.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(declared_digests_are_compared_at_the_end),
        ENV_TEST(first_of_several_mismatches_is_reported),
        ENV_TEST(only_the_image_of_a_form_is_hashed),
        ENV_TEST(lost_body_is_not_compared),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
