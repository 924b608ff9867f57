/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

enum { FIRST = 64 * 1024, LARGE = 3 * FIRST };

static const char *const NO_FIELDS[] = {NULL};
static char text[LARGE + 1];

/* About to be sent: a body of so many bytes. */
static void begin(struct scene *scene, void **state, size_t size)
{
    scene_begin(scene, state, NO_FIELDS);
    memset(text, 'x', size);
    text[size] = '\0';
    scene_body(scene, text, NULL);
    await_glance_begin(scene->upload);
}

static void give(struct scene *scene, uint64_t bytes)
{
    atomic_fetch_add(&scene_record(scene)->bytes, bytes);
}

static void a_small_one_waits_for_nothing(void **state)
{
    struct scene scene;
    begin(&scene, state, FIRST);
    assert_true(scene.upload->send.phase == SEND_ALL);
    assert_int_equal(await_glance_room(scene.upload, 1 << 20), 1 << 20);
    assert_false(scene_is_set(&scene, POLL_TIMER));
    scene_end(&scene);
}

static void the_first_bytes_go_and_no_more(void **state)
{
    struct scene scene;
    begin(&scene, state, FIRST + 1);
    assert_int_equal(scene.upload->send.phase, SEND_FIRST_BYTES);
    assert_int_equal(await_glance_room(scene.upload, 1000), 1000);
    assert_int_equal(await_glance_room(scene.upload, 1 << 20), FIRST);
    give(&scene, FIRST - 7);
    assert_int_equal(await_glance_room(scene.upload, 1 << 20), 7);
    give(&scene, 7);
    assert_int_equal(await_glance_room(scene.upload, 1 << 20), 0);
    await_glance_step(scene.upload);
    assert_int_equal(await_glance_room(scene.upload, 1 << 20), 0);
    scene_end(&scene);
}

/* The worker remembers that its Glance says so, and asks nothing the next time. */
static void one_hundred_lets_the_rest_go(void **state)
{
    struct scene scene;
    begin(&scene, state, LARGE);
    assert_true(scene_is_set(&scene, POLL_TIMER));
    await_glance_continued(scene.x);
    await_glance_step(scene.upload);
    assert_true(scene.upload->send.phase == SEND_ALL && scene.parts.hears_continue);
    assert_false(scene_is_set(&scene, POLL_TIMER));
    assert_false(scene_is_set(&scene, STEP_TIMER));
    scene.upload->send.continued = false;
    await_glance_begin(scene.upload);
    assert_int_equal(scene.upload->send.phase, SEND_FIRST_BYTES);
    assert_false(scene_is_set(&scene, POLL_TIMER));
    scene_end(&scene);
}

/* The next question, and what is said to it. */
static void look(struct scene *scene, unsigned status, const char *image)
{
    assert_true(scene_is_set(scene, POLL_TIMER));
    scene_fire(scene, POLL_TIMER);
    await_glance_step(scene->upload);
    assert_true(scene_question(scene, QUESTION_IMAGE)->begun);
    scene_answered(scene_question(scene, QUESTION_IMAGE), status, image);
    await_glance_step(scene->upload);
}

static void the_images_status_lets_the_rest_go(void **state)
{
    static const char *const begun[] = {"saving", "uploading", "active", "killed"};
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++) {
        struct scene scene;
        char image[64];
        begin(&scene, state, LARGE);
        look(&scene, 200, "{\"status\": \"queued\"}");
        look(&scene, 503, "");
        look(&scene, 200, "<html>");
        assert_int_equal(scene.upload->send.phase, SEND_FIRST_BYTES);
        snprintf(image, sizeof image, "{\"status\": \"%s\"}", begun[i]);
        look(&scene, 200, image);
        assert_true(scene.upload->send.phase == SEND_ALL);
        assert_false(scene.parts.hears_continue);
        assert_false(scene_question(&scene, QUESTION_IMAGE)->begun);
        scene_end(&scene);
    }
}

static void two_seconds_let_the_rest_go(void **state)
{
    struct scene scene;
    begin(&scene, state, LARGE);
    scene.parts.hears_continue = true; /* it has not come this time */
    scene_fire(&scene, STEP_TIMER);
    await_glance_step(scene.upload);
    assert_true(scene.upload->send.phase == SEND_ALL);
    assert_false(scene.parts.hears_continue);
    scene_end(&scene);
}

/* Others of the project are refused for it from then on, and not before. */
static void what_it_has_reserved_is_firm_then(void **state)
{
    enum { NOTHING, CONTINUE, STATUS, WAITS };
    for (int tells = NOTHING; tells <= WAITS; tells++) {
        struct scene scene;
        uint64_t firm;
        const struct quota_request requested = {.key = "p", .bytes = 5, .left = 9};
        begin(&scene, state, LARGE);
        assert_int_equal(quota_reserve(scene.parts.quota_reservations, &requested,
                                       &scene.upload->quota.reservation, &firm),
                         QUOTA_RESERVED);
        if (tells == CONTINUE)
            await_glance_continued(scene.x);
        if (tells == STATUS)
            look(&scene, 200, "{\"status\": \"saving\"}");
        if (tells == WAITS)
            scene_fire(&scene, STEP_TIMER);
        await_glance_step(scene.upload);
        bool told = tells == CONTINUE || tells == STATUS;
        assert_int_equal(quota_reservations_firm(scene.parts.quota_reservations, "p"),
                         told ? 5 : 0);
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_small_one_waits_for_nothing), SCENE_TEST(the_first_bytes_go_and_no_more),
        SCENE_TEST(one_hundred_lets_the_rest_go),  SCENE_TEST(the_images_status_lets_the_rest_go),
        SCENE_TEST(two_seconds_let_the_rest_go),   SCENE_TEST(what_it_has_reserved_is_firm_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
