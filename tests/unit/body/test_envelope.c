/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/body.h"
#include "intake/stream.h"

#include "body/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "feeder.h"
#include "promising.h"

#define DECLARED    "multipart/form-data; boundary=B"
#define FIELD       "Content-Disposition: form-data; name=\"f\"\r\n\r\nvalue\r\n"
#define FILE_       "Content-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n\r\n"
#define FORM(image) "--B\r\n" FILE_ image "\r\n--B--\r\n"

/* Parts of delimiters, and what looks like one. */
#define ALIKE "\r\n\r\n--\r\n-B\n--B\n\r\n--BB\r\n--B \r\r\n--B-\r\n--b--\r\n-\r"

/* A body, and the image in it. NULL: it is refused as malformed. `more`: how many bytes a field
 * behind the file adds to what the form lets expect. */
struct vector {
    const char *body;
    const char *image;
    const char *detail;
    size_t more;
};

#define BEHIND "\r\n--B\r\n" FIELD "--B--\r\n"

static const struct vector FORMS[] = {
    {FORM("IMAGE"), "IMAGE", "", 0},
    {FORM(""), "", "", 0},
    {FORM("\r\n"), "\r\n", "", 0},
    {FORM("\r\n--"), "\r\n--", "", 0},
    {FORM("--B--\r\n"), "--B--\r\n", "", 0},
    {FORM(ALIKE), ALIKE, "", 0},
    {FORM("a\nb\rc\r\nd"), "a\nb\rc\r\nd", "", 0},
    {"--B\r\n" FIELD "--B\r\n" FIELD FORM("IMAGE"), "IMAGE", "", 0},
    {"--B\r\n" FILE_ "IMAGE" BEHIND, "IMAGE", "", sizeof BEHIND - sizeof "\r\n--B--\r\n"},
    {"--B\r\n" FIELD "--B--\r\n", NULL,
     "none of its fields is a file: in the form, the field must be of the type file", 0},
    {"--B\r\n" FILE_ "IMAGE\r\n" FORM("two"), NULL, "it has two files", 0},
    {"--B\r\n" FILE_ "IMAGE\r\n--B", NULL, "it ends in the middle", 0},
    {"--B\r\n" FILE_ "IMAGE\r", NULL, "it ends in the middle", 0},
    {"--B\r\n" FILE_ "IMAGE\r\n--B\r\nContent-Disposition: form-da", NULL, "it ends in the middle",
     0},
    {"--B\r\n" FILE_ "", NULL, "it ends in the middle", 0},
};

enum { FORM_COUNT = sizeof FORMS / sizeof FORMS[0] };

/* Only its Content-Type tells that it is a form. */
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

static void assert_refused(struct body *body, enum refusal refusal, const char *expected)
{
    const char *detail;
    assert_int_equal(body_refusal(body, &detail), refusal);
    assert_string_equal(detail, expected);
}

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

static void an_image_is_taken_out_of_a_declared_form(void **state)
{
    (void)state;
    try_forms(FORMS, FORM_COUNT, DECLARED);
    try_forms(FORMS, FORM_COUNT, "Multipart/Form-Data; charset=utf-8; boundary=\"B\"");
    try_forms(DECLARED_FORMS, sizeof DECLARED_FORMS / sizeof DECLARED_FORMS[0], DECLARED);
}

static void an_image_is_taken_out_of_a_hidden_form(void **state)
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

static void what_is_no_form_passes_as_it_is(void **state)
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
    yard.settings.upload.unwrap_multipart = watched->unwraps;
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

/* Whatever is wrong with it. That a declared one is not to be unwrapped was said of its head. */
static void a_form_that_is_only_watched_stays_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORM_COUNT; i++)
        for (int way = 0; way < 4; way++) {
            const struct watched one = {FORMS[i].body, way & 1 ? DECLARED : NULL, way & 2};
            splits_each(strlen(FORMS[i].body), pass_watched, &one);
        }
}

/* A form must have shown itself within so many bytes, however they come. */
static void a_head_without_an_end_is_no_form(void **state)
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

/* --- what was promised of it ----------------------------------------------------------- */

/* A form with promises in the head of its request: of the form as it is sent, not of its image. */
struct promised {
    const struct vector *vector;
    const char *content_type;
    struct promises promises;
    const char *broken; /* NULL: they are kept */
};

static void hold_to_promises(struct split split, const void *context)
{
    const struct promised *promised = context;
    const char *image = promised->vector->image;
    struct feeder feeder = feeder_of(promised->vector->body, strlen(promised->vector->body));
    feeder.split = split;
    feeder.waits = true;
    struct body_plan plan = plan_of(&feeder);
    plan.content_type = promised->content_type;
    plan.promises = &promised->promises;
    struct pump pump = {body_alone(&filter_envelope, &plan), &feeder, image, strlen(image), 0, 0};
    assert_int_equal(pump_all(&pump), promised->broken ? STREAM_REFUSED : STREAM_END);
    if (promised->broken)
        assert_mismatch(pump.body, promised->broken);
    else
        assert_int_equal(pump.given, strlen(image));
    body_done(pump.body);
}

static void promise_form(struct promised *promised, const char *broken)
{
    const char *form = promised->vector->body;
    promised->broken = broken;
    promised->promises.count = 0;
    promise_add(&promised->promises, "Digest", "sha256", form, strlen(form));
    promise_add(&promised->promises, "Content-MD5", "md5", form, strlen(form));
    if (broken)
        promise_break(&promised->promises.rows[strstr(broken, "MD5") ? 1 : 0]);
    splits_each(strlen(form), hold_to_promises, promised);
}

static void a_form_is_held_to_what_was_promised_of_it(void **state)
{
    (void)state;
    static const char *const types[] = {DECLARED, NULL};
    for (size_t i = 0; i < FORM_COUNT; i++)
        for (size_t k = 0; k < sizeof types / sizeof types[0] && FORMS[i].image; k++) {
            struct promised promised = {.vector = &FORMS[i], .content_type = types[k]};
            promise_form(&promised, NULL);
            promise_form(&promised, "Digest promises another sha256 than the data has");
            promise_form(&promised, "Content-MD5 promises another md5 than the data has");
        }
}

/* digest.c does that. */
static void what_is_no_form_is_not_held_to_it_here(void **state)
{
    (void)state;
    static const struct vector plain = {"IMAGE", "IMAGE", "", 0};
    struct promised promised = {.vector = &plain};
    promise_add(&promised.promises, "Digest", "sha256", "another", 7);
    splits_each(strlen(plain.body), hold_to_promises, &promised);
}

/* --- what was promised of a large one: hashed beside the loop --------------------------- */

enum { HEAVY = 2500 * 1000 };

struct heavy {
    char *bytes, *image; /* which begins within the bytes */
    size_t count;
};

static struct heavy heavy_form(void)
{
    static const char begin[] = "--B\r\n" FILE_, end[] = "\r\n--B--\r\n";
    struct heavy heavy = {malloc(sizeof begin + HEAVY + sizeof end), NULL, 0};
    assert_non_null(heavy.bytes);
    heavy.image = stpcpy(heavy.bytes, begin);
    for (size_t i = 0; i < HEAVY; i++)
        heavy.image[i] = ALIKE[i % (sizeof ALIKE - 1)];
    heavy.count = (size_t)(stpcpy(heavy.image + HEAVY, end) - heavy.bytes);
    return heavy;
}

static void the_end_of_a_form_waits_for_the_helpers(void **state)
{
    (void)state;
    struct heavy heavy = heavy_form();
    for (int i = 0; i < 8; i++) {
        struct feeder feeder = feeder_of(heavy.bytes, heavy.count);
        feeder.waits = i & 1;
        struct promises promises = {0};
        struct body_plan plan = plan_of(&feeder);
        promise_add(&promises, "Digest", "sha256", heavy.bytes, heavy.count);
        promise_add(&promises, "Content-MD5", "md5", heavy.bytes, heavy.count);
        if (i & 2)
            promise_break(&promises.rows[1]);
        plan.promises = &promises;
        plan.digest_threads = yard.thread_pool;
        plan.content_type = i & 4 ? DECLARED : NULL;
        struct pump pump = {
            body_alone(&filter_envelope, &plan), &feeder, heavy.image, HEAVY, 512 * 1024, 0};
        assert_int_equal(pump_all(&pump), i & 2 ? STREAM_REFUSED : STREAM_END);
        if (i & 2)
            assert_mismatch(pump.body, "Content-MD5 promises another md5 than the data has");
        else
            assert_int_equal(pump.given, HEAVY);
        body_done(pump.body);
    }
    free(heavy.bytes);
}

/* The loop gives them a few pieces, and hashes none itself. A client may go meanwhile. */
static void a_form_is_not_hashed_by_the_loop(void **state)
{
    (void)state;
    struct heavy heavy = heavy_form();
    char *into = malloc(HEAVY);
    assert_non_null(into);
    struct feeder feeder = feeder_of(heavy.bytes, heavy.count);
    struct promises promises = {0};
    struct body_plan plan = plan_of(&feeder);
    promise_add(&promises, "Digest", "sha256", heavy.bytes, heavy.count);
    plan.promises = &promises;
    plan.digest_threads = yard.thread_pool;
    plan.content_type = DECLARED;
    struct body *body = body_alone(&filter_envelope, &plan);
    ssize_t got;
    while ((got = body_read(body, into, HEAVY)) > 0)
        continue;
    assert_int_equal(got, STREAM_WAIT);
    assert_true(feeder.at < HEAVY / 2);
    body_done(body);
    assert_false(feeder.woken);
    free(into);
    free(heavy.bytes);
}

/* --- large ones ------------------------------------------------------------------------ */

enum { LARGEST = 100 * 1024, AROUND = 16 * 1024 };

/* An image that is hardly more than CRs and the beginnings of delimiters. */
static void fill_with_alikes(char *image, size_t count)
{
    for (size_t i = 0; i < count; i++)
        image[i] = ALIKE[i % (sizeof ALIKE - 1)];
}

static size_t append(char *body, size_t at, const char *text)
{
    return (size_t)(stpcpy(body + at, text) - body);
}

static void try_large(const struct feeder *from, const char *image, size_t room)
{
    struct feeder feeder = *from;
    struct body_plan plan = plan_of(&feeder);
    plan.content_type = room % 2 ? DECLARED : NULL;
    struct pump pump = {body_alone(&filter_envelope, &plan), &feeder, image, LARGEST, room, 0};
    assert_int_equal(pump_all(&pump), STREAM_END);
    assert_int_equal(pump.given, LARGEST);
    body_done(pump.body);
}

/* Each piece fills another part of the room, so that the held bytes straddle it everywhere. */
static void whatever_room_there_is(void **state)
{
    (void)state;
    char *body = malloc(LARGEST + AROUND);
    char *image = malloc(LARGEST);
    assert_true(body && image);
    fill_with_alikes(image, LARGEST);
    size_t count = append(body, 0, "--B\r\n" FIELD "--B\r\n" FILE_);
    memcpy(body + count, image, LARGEST);
    count = append(body, count + LARGEST, "\r\n--B--\r\n");
    struct feeder feeder = feeder_of(body, count);
    for (size_t room = FILTER_ROOM_MIN; room < FILTER_ROOM_MIN + 2 * sizeof ALIKE; room++)
        try_large(&feeder, image, room);
    for (unsigned seed = 1; seed < 100; seed++) {
        feeder.random = seed;
        try_large(&feeder, image, BODY_READ_MIN + seed % 2);
    }
    free(image);
    free(body);
}

/* As large as a head may be, and a byte more; in pieces that are smaller than it. */
static void the_head_of_a_part_has_a_limit(void **state)
{
    (void)state;
    static const char begin[] = "--B\r\n", field[] = "Content-Disposition: form-data; filename=\"";
    static const char behind[] = "\"\r\n\r\nIMAGE\r\n--B--\r\n";
    char body[AROUND];
    for (size_t more = 0; more < 2; more++) {
        size_t name = MULTIPART_HEAD_MAX - (sizeof field - 1) - strlen("\r\n\"\r\n\r\n") + more;
        size_t count = append(body, append(body, 0, begin), field);
        memset(body + count, 'n', name);
        count = append(body, count + name, behind);
        struct feeder feeder = feeder_of(body, count);
        feeder.split = (struct split){4000, 4000};
        struct body_plan plan = plan_of(&feeder);
        plan.content_type = DECLARED;
        struct pump pump = {
            body_alone(&filter_envelope, &plan), &feeder, "IMAGE", 5, FILTER_ROOM_MIN, 0};
        assert_int_equal(pump_all(&pump), more ? STREAM_REFUSED : STREAM_END);
        assert_refused(pump.body, more ? REFUSAL_MULTIPART_MALFORMED : REFUSAL_NONE,
                       more ? "the head of one of its parts is longer than 8 KiB" : "");
        body_done(pump.body);
    }
}

/* --- what the client says of its length ------------------------------------------------ */

/* The file has 5 bytes, and a field may follow it. */
static void a_promise_counts_more_than_what_the_form_predicts(void **state)
{
    (void)state;
    static const char alone[] = FORM("IMAGE"), followed[] = "--B\r\n" FILE_ "IMAGE" BEHIND;
    static const struct {
        const char *body;
        uint64_t promise;
        const char *detail; /* NULL: good, and the promise is the length */
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
static void a_predicted_length_is_held_against_the_limit(void **state)
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

static void where_forms_are_refused_a_hidden_one_is_too(void **state)
{
    (void)state;
    static const char body[] = FORM("IMAGE");
    struct feeder feeder = feeder_of(body, sizeof body - 1);
    const struct body_plan plan = plan_of(&feeder);
    yard.settings.upload.unwrap_multipart = false;
    struct pump pump = {body_alone(&filter_envelope, &plan), &feeder, "", 0, 0, 0};
    assert_int_equal(pump_all(&pump), STREAM_REFUSED);
    assert_refused(pump.body, REFUSAL_UNSUPPORTED_CONTENT_TYPE,
                   "it is a form, whatever its Content-Type says");
    body_done(pump.body);
}

static void a_form_that_is_lost_is_lost(void **state)
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
        YARD_TEST(an_image_is_taken_out_of_a_declared_form),
        YARD_TEST(an_image_is_taken_out_of_a_hidden_form),
        YARD_TEST(what_is_no_form_passes_as_it_is),
        YARD_TEST(a_form_that_is_only_watched_stays_one),
        YARD_TEST(a_head_without_an_end_is_no_form),
        YARD_TEST(a_form_is_held_to_what_was_promised_of_it),
        YARD_TEST(what_is_no_form_is_not_held_to_it_here),
        YARD_TEST(the_end_of_a_form_waits_for_the_helpers),
        YARD_TEST(a_form_is_not_hashed_by_the_loop),
        YARD_TEST(whatever_room_there_is),
        YARD_TEST(the_head_of_a_part_has_a_limit),
        YARD_TEST(a_promise_counts_more_than_what_the_form_predicts),
        YARD_TEST(a_predicted_length_is_held_against_the_limit),
        YARD_TEST(where_forms_are_refused_a_hidden_one_is_too),
        YARD_TEST(a_form_that_is_lost_is_lost),
    };
    return cmocka_run_group_tests(tests, yard_begin, yard_end);
}
