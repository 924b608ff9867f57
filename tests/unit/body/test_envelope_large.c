/* SPDX-License-Identifier: Apache-2.0 */
/* Large forms: promised digests, hashing threads, and buffers of every size. */
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

/* --- what was promised of it ----------------------------------------------------------- */

/* A form with digests declared in the head: of the form as sent, not of its image. */
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

static void form_is_compared_with_its_declared_digest(void **state)
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
static void body_that_is_no_form_is_not_compared_here(void **state)
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

static void form_end_waits_for_the_hashing_threads(void **state)
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
        plan.digest_threads = env.thread_pool;
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

/* The loop gives the threads a few pieces, and hashes none itself. A client may leave during that.
 */
static void form_is_hashed_by_threads(void **state)
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
    plan.digest_threads = env.thread_pool;
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

/* Each piece fills another part of the buffer, so that the held bytes straddle it everywhere. */
static void large_form_is_read_into_any_buffer_size(void **state)
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
static void part_head_has_a_limit(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(form_is_compared_with_its_declared_digest),
        ENV_TEST(body_that_is_no_form_is_not_compared_here),
        ENV_TEST(form_end_waits_for_the_hashing_threads),
        ENV_TEST(form_is_hashed_by_threads),
        ENV_TEST(large_form_is_read_into_any_buffer_size),
        ENV_TEST(part_head_has_a_limit),
    };
    return cmocka_run_group_tests(tests, env_begin, env_end);
}
