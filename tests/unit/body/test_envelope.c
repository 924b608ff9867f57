/* SPDX-License-Identifier: Apache-2.0 */
#include "body/multipart.h"
#include "intake/body.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "envelope_forms.h"
#include "promising.h"
#include "pump.h"

/* Only its Content-Type shows that it is a form. */
static const struct vector DECLARED_FORMS[] = {
    {"a preamble\r\n" FORM("IMAGE"), "IMAGE", "", 0},
    {"\r\n--B\r\n" FILE_ "IMAGE\r\n--B--", "IMAGE", "", 0},
    {"--B  \r\n" FILE_ "IMAGE\r\n--B--\r\n", "IMAGE", "", 0},
    {"", NULL, "no line is the boundary that its Content-Type names", 0},
    {"IMAGE", NULL, "no line is the boundary that its Content-Type names", 0},
    {"--C\r\n" FILE_ "IMAGE\r\n--C--\r\n", NULL,
     "no line is the boundary that its Content-Type names", 0},
    {"--B\r\nContent-Disposition: form-da", NULL, "it ends in the middle", 0},
};

/* And these are none, however they begin. */
static const char *const PLAIN[] = {
    "",
    "-",
    "--",
    "--B",
    "--B\r",
    "--B\r\n",
    "--B\r\n\r\n",
    "--B\r\nContent-Type: text/plain\r\n\r\nIMAGE\r\n--B--\r\n",
    "--B\r\nContent-Disposition: form-data; name=\"f\"\r\n",
    "--B\n" FILE_ "IMAGE\n--B--\n",
    "- -B\r\n" FILE_ "IMAGE\r\n--B--\r\n",
    " --B\r\n" FILE_ "IMAGE\r\n--B--\r\n",
    "---- a text that begins with a line longer than a boundary may be, which is 70 bytes\r\n",
    "IMAGE",
};

/* --- in any pieces --------------------------------------------------------------------- */

struct attempt {
    const struct vector *vector;
    const char *content_type;
    bool length_known;
};

static void attempt(struct split split, const void *context)
{
    const struct attempt *attempt = context;
    const char *image = attempt->vector->image;
    size_t count = image ? strlen(image) : strlen(attempt->vector->body);
    uint64_t length;
    struct feeder feeder = feeder_of(attempt->vector->body, strlen(attempt->vector->body));
    feeder.split = split;
    feeder.waits = true;
    struct body_plan plan = plan_of(&feeder);
    plan.content_type = attempt->content_type;
    plan.length_known = attempt->length_known;
    plan.length = feeder.count;
    struct pump pump = {
        body_alone(&filter_envelope, &plan), &feeder, image ? image : "IMAGE", 0, 0, 0};
    pump.count = image ? count : 5;
    int end = pump_all(&pump);
    if (end != (image ? STREAM_END : STREAM_REFUSED))
        fail_msg("%d of {%zu, %zu}: %s", end, split.first, split.rest, attempt->vector->body);
    assert_true(body_unwrapped(pump.body));
    assert_refused(pump.body, image ? REFUSAL_NONE : REFUSAL_MULTIPART_MALFORMED,
                   attempt->vector->detail);
    if (image) {
        assert_int_equal(pump.given, count);
        assert_int_equal(body_length(pump.body, &length), attempt->length_known);
    }
    if (image && attempt->length_known && attempt->vector->body[feeder.count - 1] == '\n')
        assert_int_equal(length, count + attempt->vector->more);
    body_done(pump.body);
}

static void try_forms(const struct vector *vectors, size_t count, const char *content_type)
{
    for (size_t i = 0; i < count; i++)
        for (int known = 0; known < 2; known++) {
            const struct attempt one = {&vectors[i], content_type, known};
            splits_each(strlen(vectors[i].body), attempt, &one);
        }
}

static void image_is_extracted_from_a_declared_form(void **state)
{
    (void)state;
    try_forms(FORMS, FORM_COUNT, DECLARED);
    try_forms(FORMS, FORM_COUNT, "Multipart/Form-Data; charset=utf-8; boundary=\"B\"");
    try_forms(DECLARED_FORMS, sizeof DECLARED_FORMS / sizeof DECLARED_FORMS[0], DECLARED);
}

static void image_is_extracted_from_an_undeclared_form(void **state)
{
    (void)state;
    static const char *const types[] = {NULL, "application/octet-stream", "text/plain",
                                        "multipart/form-data"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        try_forms(FORMS, FORM_COUNT, types[i]);
}

static void pass(struct split split, const void *context)
{
    const char *body = context;
    uint64_t length;
    struct feeder feeder = feeder_of(body, strlen(body));
    feeder.split = split;
    feeder.waits = true;
    struct body_plan plan = plan_of(&feeder);
    plan.length_known = true;
    plan.length = feeder.count;
    struct pump pump = {body_alone(&filter_envelope, &plan), &feeder, body, feeder.count, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, feeder.count);
    assert_false(body_unwrapped(pump.body));
    assert_true(body_length(pump.body, &length));
    assert_int_equal(length, feeder.count);
    body_done(pump.body);
}

static void body_that_is_no_form_passes_unchanged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof PLAIN / sizeof PLAIN[0]; i++)
        splits_each(strlen(PLAIN[i]), pass, PLAIN[i]);
}

struct watched {
    const char *body;
    const char *content_type;
    bool unwraps;
};

static void pass_watched(struct split split, const void *context)
{
    const struct watched *watched = context;
    const struct body_note *rows;
    bool hidden = !watched->content_type;
    struct feeder feeder = feeder_of(watched->body, strlen(watched->body));
    feeder.split = split;
    feeder.waits = true;
    struct body_plan plan = plan_of(&feeder);
    plan.content_type = watched->content_type;
    plan.audit = true;
    env.settings.upload.unwrap_multipart = watched->unwraps;
    struct pump pump = {
        body_alone(&filter_envelope, &plan), &feeder, watched->body, feeder.count, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, feeder.count);
    assert_true(body_wrapped(pump.body));
    assert_false(body_unwrapped(pump.body));
    assert_int_equal(body_audited(pump.body, &rows), hidden && !watched->unwraps ? 1 : 0);
    if (hidden && !watched->unwraps)
        assert_int_equal(rows[0].reason, REFUSAL_UNSUPPORTED_CONTENT_TYPE);
    body_done(pump.body);
}

/* Malformed forms, too. A declared form was reported with its head, so its body is not. */
static void audited_form_passes_unchanged(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORM_COUNT; i++)
        for (int way = 0; way < 4; way++) {
            const struct watched one = {FORMS[i].body, way & 1 ? DECLARED : NULL, way & 2};
            splits_each(strlen(FORMS[i].body), pass_watched, &one);
        }
}

/* A form must have shown itself within so many bytes, however they come. */
static void unterminated_part_head_is_no_form(void **state)
{
    (void)state;
    char body[MULTIPART_HIDDEN_MAX + 1000];
    memset(body, 'x', sizeof body - 1);
    memcpy(body, "--B\r\nA: ", 8);
    body[sizeof body - 1] = '\0';
    for (size_t first = MULTIPART_HIDDEN_MAX - 3; first < MULTIPART_HIDDEN_MAX + 3; first++)
        pass((struct split){first, first}, body);
    pass((struct split){1, 1}, body);
}

/* --- what the client says of its length ------------------------------------------------ */

/* The file has 5 bytes, and a field may follow it. */
static void declared_size_precedes_the_predicted_one(void **state)
{
    (void)state;
    static const char alone[] = FORM("IMAGE"), followed[] = "--B\r\n" FILE_ "IMAGE" BEHIND;
    static const struct {
        const char *body;
        uint64_t promise;
        const char *detail; /* NULL: good, and the declared size is the length */
    } rows[] = {
        {alone, 5, NULL},
        {alone, 6, "x-openstack-image-size is 6, and the file in the form has 5 bytes"},
        {alone, 4, NULL}, /* measure.c sees that */
        {followed, 5, NULL},
        {followed, 1000, "x-openstack-image-size is 1000, and the file in the form has 61 bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t length;
        struct feeder feeder = feeder_of(rows[i].body, strlen(rows[i].body));
        struct body_plan plan = plan_of(&feeder);
        plan.length_known = plan.promised = true;
        plan.length = feeder.count;
        plan.promise = rows[i].promise;
        struct pump pump = {body_alone(&filter_envelope, &plan), &feeder, "IMAGE", 5, 0, 0};
        assert_int_equal(pump_all(&pump), rows[i].detail ? STREAM_REFUSED : STREAM_END);
        assert_refused(pump.body, rows[i].detail ? REFUSAL_SIZE_MISMATCH : REFUSAL_NONE,
                       rows[i].detail ? rows[i].detail : "");
        assert_true(body_length(pump.body, &length));
        assert_int_equal(length, rows[i].promise);
        body_done(pump.body);
    }
}

/* Before a byte of it is given out. */
static void predicted_length_is_checked_against_the_limit(void **state)
{
    (void)state;
    for (uint64_t max = 4; max <= 5; max++) {
        static const char body[] = FORM("IMAGE");
        struct feeder feeder = feeder_of(body, sizeof body - 1);
        struct body_plan plan = plan_of(&feeder);
        plan.length_known = true;
        plan.length = feeder.count;
        plan.content_type = DECLARED;
        struct pump pump = {
            body_alone(&filter_envelope, &plan), &feeder, "IMAGE", max < 5 ? 0 : 5, 0, 0};
        body_limit(pump.body, &(struct body_limits){max, UINT64_MAX, UINT64_MAX});
        assert_int_equal(pump_all(&pump), max < 5 ? STREAM_REFUSED : STREAM_END);
        assert_refused(pump.body, max < 5 ? REFUSAL_TOO_LARGE : REFUSAL_NONE,
                       max < 5 ? "it has 5 bytes, and the limit is 4" : "");
        body_done(pump.body);
    }
}

static void undeclared_form_is_refused_where_forms_are(void **state)
{
    (void)state;
    static const char body[] = FORM("IMAGE");
    struct feeder feeder = feeder_of(body, sizeof body - 1);
    const struct body_plan plan = plan_of(&feeder);
    env.settings.upload.unwrap_multipart = false;
    struct pump pump = {body_alone(&filter_envelope, &plan), &feeder, "", 0, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    assert_refused(pump.body, REFUSAL_UNSUPPORTED_CONTENT_TYPE,
                   "it is a form, whatever its Content-Type says");
    body_done(pump.body);
}

static void broken_off_form_is_lost(void **state)
{
    (void)state;
    for (size_t count = 0; count < strlen(FORMS[0].body); count++) {
        struct feeder feeder = feeder_of(FORMS[0].body, count);
        feeder.breaks = true;
        struct body_plan plan = plan_of(&feeder);
        plan.content_type = DECLARED;
        struct pump pump = {body_alone(&filter_envelope, &plan), &feeder, "IMAGE", 5, 0, 0};
        assert_int_equal(pump_all(&pump), STREAM_LOST);
        body_done(pump.body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(image_is_extracted_from_a_declared_form),
        ENV_TEST(image_is_extracted_from_an_undeclared_form),
        ENV_TEST(body_that_is_no_form_passes_unchanged),
        ENV_TEST(audited_form_passes_unchanged),
        ENV_TEST(unterminated_part_head_is_no_form),
        ENV_TEST(declared_size_precedes_the_predicted_one),
        ENV_TEST(predicted_length_is_checked_against_the_limit),
        ENV_TEST(undeclared_form_is_refused_where_forms_are),
        ENV_TEST(broken_off_form_is_lost),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
