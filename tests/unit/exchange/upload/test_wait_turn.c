/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

static const _Atomic uint64_t bytes = 200;

static void begin(struct scene *scene, void **state)
{
    static const char *const fields[] = {NULL};
    scene_begin(scene, state, fields);
    scene_image(scene, "queued", "raw", "bare");
    assert_int_equal(image_check_lock(scene->x, scene->check, scene->size), STEP_NEXT);
    scene_enter(scene);
}

/* Another upload to the image, which was sent. */
static struct upload_lock *other(struct scene *scene)
{
    const struct upload_lock_facts facts = {.began_wall_ms = clock_wall_ms() - 2400};
    struct upload_lock *upload_lock =
        upload_lock_new(scene->parts.upload_locks, "image", &facts, &bytes);
    assert_int_equal(upload_lock_send(upload_lock, true), UPLOAD_LOCK_SENT);
    return upload_lock;
}

/* The step, entered; or again, once Glance has said this of the image. */
static enum step_result step(struct scene *scene, unsigned status, const char *image)
{
    if (image) {
        assert_true(scene_question(scene, QUESTION_IMAGE)->begun);
        scene_answered(scene_question(scene, QUESTION_IMAGE), status, image);
    }
    return scene_run(scene, upload_wait_turn);
}

#define IMAGE(status) "{\"status\": \"" status "\"}"

static bool was_sent(struct scene *scene)
{
    const struct upload_lock_facts facts = {0};
    struct upload_lock_facts of_first;
    struct upload_lock *late = upload_lock_new(scene->parts.upload_locks, "image", &facts, &bytes);
    bool sent = upload_lock_other(late, &of_first);
    upload_lock_release(late);
    return sent;
}

static void the_only_one_is_sent_at_once(void **state)
{
    struct scene scene;
    begin(&scene, state);
    assert_false(was_sent(&scene));
    assert_int_equal(step(&scene, 0, NULL), STEP_NEXT);
    assert_true(was_sent(&scene));
    assert_false(scene_question(&scene, QUESTION_IMAGE)->begun);
    scene_end(&scene);
}

static void what_glance_is_taking_goes_first(void **state)
{
    struct scene scene;
    begin(&scene, state);
    struct upload_lock *first = other(&scene);
    assert_int_equal(step(&scene, 0, NULL), STEP_WAIT);
    assert_int_equal(step(&scene, 0, NULL), STEP_WAIT); /* woken by something else */
    assert_outcome(&scene, step(&scene, 200, IMAGE("saving")), REFUSAL_UPLOAD_IN_PROGRESS,
                   "it began 2 s ago, and Glance has 200 bytes of it");
    upload_lock_release(first);
    scene_end(&scene);
}

static void what_is_over_may_have_filled_it(void **state)
{
    static const struct {
        const char *image;
        const char *detail; /* NULL: it goes on */
    } rows[] = {{IMAGE("active"), "its status is active"},
                {IMAGE("saving"), "its status is saving, and this proxy is not uploading it"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        begin(&scene, state);
        upload_lock_release(other(&scene));
        assert_int_equal(step(&scene, 0, NULL), STEP_WAIT);
        assert_outcome(&scene, step(&scene, 200, rows[i].image), REFUSAL_IMAGE_NOT_QUEUED,
                       rows[i].detail);
        scene_end(&scene);
    }
}

/* Glance may be about to refuse it. */
static void what_glance_has_not_begun_with_is_waited_for(void **state)
{
    static const struct {
        unsigned status;
        const char *image;
    } rows[] = {{200, IMAGE("queued")}, {200, "?"}, {404, IMAGE("gone")}, {503, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        begin(&scene, state);
        struct upload_lock *first = other(&scene);
        assert_int_equal(step(&scene, 0, NULL), STEP_WAIT);
        assert_int_equal(step(&scene, rows[i].status, rows[i].image), STEP_WAIT);
        assert_false(scene_question(&scene, QUESTION_IMAGE)->begun);
        assert_int_equal(step(&scene, 0, NULL), STEP_WAIT);
        scene_fire(&scene, STEP_TIMER);
        assert_int_equal(step(&scene, 0, NULL), STEP_WAIT); /* it looks again */
        assert_true(scene_question(&scene, QUESTION_IMAGE)->begun);
        upload_lock_release(first);
        assert_int_equal(step(&scene, 200, IMAGE("queued")), STEP_WAIT);
        scene_fire(&scene, STEP_TIMER);
        assert_int_equal(step(&scene, 0, NULL), STEP_NEXT);
        assert_true(was_sent(&scene));
        scene_end(&scene);
    }
}

/* However many others are sent meanwhile. */
static void it_is_not_waited_for_long(void **state)
{
    struct scene scene;
    begin(&scene, state);
    struct upload_lock *first = other(&scene);
    assert_int_equal(step(&scene, 0, NULL), STEP_WAIT);
    scene.upload->turn_wait_began_ms = clock_ms() - 5001;
    assert_int_equal(step(&scene, 200, IMAGE("queued")), STEP_NEXT);
    upload_lock_release(first);
    assert_true(was_sent(&scene));
    scene_end(&scene);
}

static void what_is_only_watched_goes_on(void **state)
{
    struct scene scene;
    begin(&scene, state);
    scene_audit(&scene, AUDIT_ON);
    struct upload_lock *first = other(&scene);
    assert_int_equal(step(&scene, 0, NULL), STEP_WAIT);
    assert_int_equal(step(&scene, 200, IMAGE("saving")), STEP_NEXT);
    assert_true(scene_record(&scene)->audit_reasons == refusal_bit(REFUSAL_UPLOAD_IN_PROGRESS));
    upload_lock_release(first);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_only_one_is_sent_at_once),
        SCENE_TEST(what_glance_is_taking_goes_first),
        SCENE_TEST(what_is_over_may_have_filled_it),
        SCENE_TEST(what_glance_has_not_begun_with_is_waited_for),
        SCENE_TEST(it_is_not_waited_for_long),
        SCENE_TEST(what_is_only_watched_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
