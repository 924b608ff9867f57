/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

static const char *const NO_FIELDS[] = {NULL};

/* The SHA-512 of "abc" (FIPS 180-4). */
#define SHA512                                                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

#define IMAGE(status, size, hash, stores)                                                          \
    "{\"status\": \"" status "\", \"size\": " size ", \"os_hash_algo\": \"sha512\", "              \
    "\"os_hash_value\": \"" hash "\", \"stores\": \"" stores "\"}"

#define GOOD IMAGE("active", "3", SHA512, "file,test")

/* Glance has got "abc", or a part of it, and fails. */
static void begin(struct scene *scene, void **state, enum refusal failure, unsigned status,
                  bool whole)
{
    scene_begin(scene, state, NO_FIELDS);
    scene->settings.glance.response_timeout = 60000;
    if (whole)
        scene_sent(scene, "abc");
    else
        scene_body(scene, "abc", NULL);
    scene->upload->outcome.failure = failure;
    scene_answer(scene)->status = status;
    scene->upload->send.last_sent_ms = clock_ms();
    scene_record(scene)->store = strdup("test");
}

/* The step once it is entered, and once more when Glance has said this of the image. */
static enum step_result see(struct scene *scene, unsigned status, const char *image)
{
    scene_enter(scene);
    assert_int_equal(scene_run(scene, upload_verify), STEP_WAIT);
    assert_int_equal(scene_run(scene, upload_verify), STEP_WAIT);
    scene_answered(scene_question(scene, QUESTION_IMAGE), status, image);
    return scene_run(scene, upload_verify);
}

/* The wait is over, and Glance says this. */
static enum step_result see_next(struct scene *scene, unsigned status, const char *image)
{
    assert_true(scene_is_set(scene, POLL_TIMER));
    scene_fire(scene, POLL_TIMER);
    assert_int_equal(scene_run(scene, upload_verify), STEP_WAIT);
    assert_true(scene_question(scene, QUESTION_IMAGE)->begun &&
                !scene_question(scene, QUESTION_IMAGE)->over);
    scene_answered(scene_question(scene, QUESTION_IMAGE), status, image);
    return scene_run(scene, upload_verify);
}

/* The patience has ended. */
static enum step_result see_last(struct scene *scene, unsigned status, const char *image)
{
    scene_poll_since(scene, 120 * 1000);
    scene->upload->send.last_sent_ms = scene->upload->poll.began_ms;
    scene->upload->outcome.seen_queued = true;
    scene_answered(scene_question(scene, QUESTION_IMAGE), status, image);
    return scene_run(scene, upload_verify);
}

/* --- a part of the body -------------------------------------------------------------------- */

#define QUEUED "the image is queued again: upload once more"
#define REFUSED                                                                                    \
    QUEUED                                                                                         \
    "; if that ends the same way, Glance may refuse the upload, and its log says why at req-1"
#define PART                                                                                       \
    "Glance has only a part of it, and the image is still saving: if it stays so, delete it and "  \
    "create it anew"
#define BUSY                                                                                       \
    "all of it was sent, and Glance is still busy with the image: do not delete it yet, look at "  \
    "it again later"
#define GIVEN_UP "Glance has given the image up: delete it and create it anew"
#define UNKNOWN                                                                                    \
    "all of it was sent, and Glance does not tell what has become of the image: look at it, and "  \
    "do not delete it while it is saving"

static void what_is_left_of_the_image_is_told(void **state)
{
    static const struct {
        enum refusal failure;
        unsigned answered;  /* by Glance; 0: no answer */
        const char *before; /* what was known of it */
        unsigned status;
        const char *image;
        const char *after, *detail;
    } rows[] = {
        {REFUSAL_GLANCE_FAILED, 0, "", 200, IMAGE("queued", "0", "", ""), "queued", REFUSED},
        {REFUSAL_GLANCE_FAILED, 204, "it broke", 200, IMAGE("queued", "0", "", ""), "queued",
         "it broke; " QUEUED},
        {REFUSAL_GLANCE_FAILED, 0, "", 200, IMAGE("saving", "0", "", ""), "saving", PART},
        {REFUSAL_GLANCE_TIMEOUT, 0, "", 200, IMAGE("saving", "0", "", ""), "saving",
         "the image is still saving"},
        {REFUSAL_GLANCE_FAILED, 0, "", 200, GOOD, "active",
         "the image is active all the same: compare its os_hash_value with the file's"},
        {REFUSAL_GLANCE_FAILED, 0, "", 404, "", "deleted", "the image is gone"},
        {REFUSAL_GLANCE_FAILED, 0, "", 200, IMAGE("killed", "0", "", ""), "killed", GIVEN_UP},
        {REFUSAL_GLANCE_FAILED, 0, "it broke", 503, "", "", "it broke"},
        {REFUSAL_GLANCE_FAILED, 0, "", 401, "", "", ""},
        /* Glance's own answer: it passes as it is */
        {REFUSAL_NONE, 500, "", 200, IMAGE("saving", "0", "", ""), "saving", NULL},
        {REFUSAL_NONE, 500, "", 200, IMAGE("queued", "0", "", ""), "queued", NULL},
        {REFUSAL_NONE, 500, "", 500, "", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        char line[128];
        begin(&scene, state, rows[i].failure, rows[i].answered, false);
        scene_text(scene.upload->outcome.detail, rows[i].before);
        assert_outcome(&scene, see_last(&scene, rows[i].status, rows[i].image), rows[i].failure,
                       rows[i].detail);
        assert_string_equal(scene_record(&scene)->image_after, rows[i].after);
        snprintf(line, sizeof line, "req-1: Glance failed, and the image image is %s now",
                 rows[i].after);
        assert_logged(&scene, rows[i].after[0] ? line : NULL);
        scene_end(&scene);
    }
}

/* Glance sets it back a moment after it has answered; and one look may fail. */
static void one_that_is_saving_is_given_a_moment(void **state)
{
    struct scene scene;
    begin(&scene, state, REFUSAL_NONE, 500, false);
    assert_int_equal(see(&scene, 200, IMAGE("saving", "0", "", "")), STEP_WAIT);
    assert_int_equal(see_next(&scene, 503, ""), STEP_WAIT);
    assert_string_equal(scene_record(&scene)->image_after, "");
    assert_int_equal(see_next(&scene, 200, IMAGE("queued", "0", "", "")), STEP_NEXT);
    assert_string_equal(scene_record(&scene)->image_after, "queued");
    scene_end(&scene);
}

/* Where verification is off, too. */
static void a_ruin_is_looked_at_whatever_is_compared(void **state)
{
    struct scene scene;
    begin(&scene, state, REFUSAL_NONE, 500, false);
    scene.settings.upload.verify = VERIFY_OFF;
    assert_int_equal(see(&scene, 200, IMAGE("queued", "0", "", "")), STEP_NEXT);
    assert_string_equal(scene_record(&scene)->image_after, "queued");
    scene_end(&scene);
}

/* --- the whole body, and no answer --------------------------------------------------------- */

/* The first look comes after a second, then they get rarer, and one that fails ends nothing. */
static void it_is_followed_until_it_is_stored(void **state)
{
    static const char saving[] = IMAGE("saving", "0", "", "");
    static const unsigned balancers[] = {0, 502, 503, 504};
    for (size_t i = 0; i < sizeof balancers / sizeof balancers[0]; i++) {
        struct scene scene;
        begin(&scene, state, balancers[i] ? REFUSAL_NONE : REFUSAL_GLANCE_FAILED, balancers[i],
              true);
        scene_enter(&scene);
        assert_int_equal(scene_run(&scene, upload_verify), STEP_WAIT);
        assert_false(scene_question(&scene, QUESTION_IMAGE)->begun);
        assert_int_equal(scene.upload->poll.wait_ms, 1000);
        assert_int_equal(see_next(&scene, 200, saving), STEP_WAIT);
        assert_int_equal(scene.upload->poll.wait_ms, 2000);
        assert_int_equal(see_next(&scene, 503, ""), STEP_WAIT);
        assert_int_equal(see_next(&scene, 200, saving), STEP_WAIT);
        assert_int_equal(scene.upload->poll.wait_ms, 8000);
        assert_int_equal(see_next(&scene, 200, saving), STEP_WAIT);
        assert_int_equal(see_next(&scene, 200, saving), STEP_WAIT);
        assert_int_equal(scene.upload->poll.wait_ms, 30000);
        assert_outcome(&scene, see_next(&scene, 200, GOOD), REFUSAL_NONE, NULL);
        assert_int_equal(scene_answer(&scene)->status, 204);
        assert_int_equal(scene_answer(&scene)->body.len, 0);
        assert_string_equal(scene_record(&scene)->verified, "sha512");
        assert_string_equal(scene_record(&scene)->image_after, "");
        scene_end(&scene);
    }
}

static void what_has_become_of_a_whole_one_is_told(void **state)
{
    static const struct {
        unsigned status;
        const char *image;
        enum refusal refusal;
        const char *after, *detail;
    } rows[] = {
        {200, IMAGE("queued", "0", "", ""), REFUSAL_GLANCE_FAILED, "queued", REFUSED},
        {200, IMAGE("saving", "0", "", ""), REFUSAL_GLANCE_TIMEOUT, "saving", BUSY},
        {200, IMAGE("killed", "0", "", ""), REFUSAL_GLANCE_FAILED, "killed", GIVEN_UP},
        {200, IMAGE("pending_delete", "0", "", ""), REFUSAL_GLANCE_FAILED, "pending_delete",
         "the image is gone"},
        {404, "", REFUSAL_GLANCE_FAILED, "deleted", "the image is gone"},
        {200, GOOD, REFUSAL_NONE, "", NULL},
        {200, IMAGE("active", "2", SHA512, "test"), REFUSAL_VERIFY_FAILED, "",
         "Glance has 2 bytes, and was sent 3"},
        {401, "", REFUSAL_GLANCE_FAILED, "", UNKNOWN},
        {503, "", REFUSAL_GLANCE_FAILED, "", UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (enum audit audit = AUDIT_OFF; audit <= AUDIT_ON; audit += AUDIT_ON - AUDIT_OFF) {
            struct scene scene;
            begin(&scene, state, REFUSAL_GLANCE_FAILED, 0, true);
            scene_audit(&scene, audit);
            assert_outcome(&scene, see_last(&scene, rows[i].status, rows[i].image), rows[i].refusal,
                           rows[i].detail);
            assert_string_equal(scene_record(&scene)->image_after, rows[i].after);
            scene_end(&scene);
        }
}

/* A request that waits before Glance may begin after its connection has ended. */
static void queued_counts_once_it_is_seen_twice(void **state)
{
    struct scene scene;
    begin(&scene, state, REFUSAL_GLANCE_FAILED, 0, true);
    assert_int_equal(see(&scene, 200, IMAGE("queued", "0", "", "")), STEP_WAIT);
    assert_outcome(&scene, see_next(&scene, 200, GOOD), REFUSAL_NONE, NULL);
    scene_end(&scene);
    begin(&scene, state, REFUSAL_GLANCE_FAILED, 0, true);
    assert_int_equal(see(&scene, 200, IMAGE("queued", "0", "", "")), STEP_WAIT);
    assert_outcome(&scene, see_next(&scene, 200, IMAGE("queued", "0", "", "")),
                   REFUSAL_GLANCE_FAILED, REFUSED);
    scene_end(&scene);
}

/* Where nothing is compared after a good answer, a lost one is no good answer. */
static void a_lost_answer_is_looked_for_whatever_is_compared(void **state)
{
    struct scene scene;
    begin(&scene, state, REFUSAL_GLANCE_FAILED, 0, true);
    scene.settings.upload.verify = VERIFY_OFF;
    assert_outcome(&scene, see(&scene, 200, GOOD), REFUSAL_NONE, NULL);
    assert_int_equal(scene_answer(&scene)->status, 204);
    assert_string_equal(scene_record(&scene)->verified, "size");
    scene_end(&scene);
}

/* An image that is being staged is `uploading` as one is that is staged: the size tells. */
static void a_stage_is_over_when_it_has_a_size(void **state)
{
    struct scene scene;
    begin(&scene, state, REFUSAL_GLANCE_FAILED, 0, true);
    scene_record(&scene)->kind = RECORD_STAGE;
    assert_int_equal(see(&scene, 200, IMAGE("uploading", "null", "", "")), STEP_WAIT);
    assert_outcome(&scene, see_next(&scene, 200, "{\"status\": \"uploading\", \"size\": 3}"),
                   REFUSAL_NONE, NULL);
    assert_int_equal(scene_answer(&scene)->status, 204);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(what_is_left_of_the_image_is_told),
        SCENE_TEST(one_that_is_saving_is_given_a_moment),
        SCENE_TEST(a_ruin_is_looked_at_whatever_is_compared),
        SCENE_TEST(it_is_followed_until_it_is_stored),
        SCENE_TEST(what_has_become_of_a_whole_one_is_told),
        SCENE_TEST(queued_counts_once_it_is_seen_twice),
        SCENE_TEST(a_lost_answer_is_looked_for_whatever_is_compared),
        SCENE_TEST(a_stage_is_over_when_it_has_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
