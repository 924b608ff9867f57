/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include "intake/inspection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

#define SPOILT  "{\"status\": \"queued\", \"os_hash_value\": \"ab\", \"stores\": \"test\"}"
#define WAITING "{\"status\": \"queued\"}"

static const char *const NO_FIELDS[] = {NULL};

/* Glance has answered 415 to a whole upload of `text`. */
static void begin(struct scene *scene, void **state, const char *disk_format, const char *text)
{
    scene_begin(scene, state, NO_FIELDS);
    scene_image(scene, "queued", disk_format, "bare");
    scene->settings.upload.checks = (struct check_levels){0};
    scene_sent(scene, text);
    scene->upload->send.as_octets = true;
    scene_answer(scene)->status = 415;
}

static void see(struct scene *scene, unsigned status, const char *image)
{
    scene_enter(scene);
    assert_int_equal(scene_run(scene, upload_verify), STEP_WAIT);
    scene_answered(scene_question(scene, QUESTION_IMAGE), status, image);
    assert_outcome(scene, scene_run(scene, upload_verify), REFUSAL_NONE, NULL);
}

/* The client is told what has become of the image, and why. */
static void the_hint_says_what_has_become_of_it(void **state)
{
    static const struct {
        const char *disk_format, *text;
        unsigned status;
        const char *image, *hint;
    } rows[] = {
        {"vhd", "abc", 200, SPOILT,
         "Glance has refused the data after storing it: declared vhd, and Glance takes a VHD only "
         "if it begins with its header, which a fixed one does not: convert it with qemu-img "
         "convert -f vpc -O vpc FILE COPY. The image takes no other data now, so delete it and "
         "create a new one: curl -X DELETE -H 'X-Auth-Token: TOKEN' "},
        {"raw", "abc", 200, SPOILT,
         "Glance has refused the data after storing it: Glance's log says why at req-1. The image "
         "takes no other data now"},
        {"raw", "abc", 200, WAITING,
         "Glance has refused the data after storing it: Glance's log says why at req-1. The image "
         "waits for data again."},
        {"raw", "abc", 403, "",
         "Glance has refused the data after storing it: Glance's log says "
         "why at req-1. The image takes no other data now"},
        {"vhdx", "vhdxfile", 200, SPOILT,
         "Glance has refused the data after storing it: of a VHDX this is a fault of glance_store "
         "where the store reads it in large pieces, as S3 does: use another store, or convert it "
         "with qemu-img convert -O qcow2 FILE COPY and create the image with --disk-format qcow2. "
         "The image takes no other data now"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, rows[i].disk_format, rows[i].text);
        see(&scene, rows[i].status, rows[i].image);
        const char *hint = scene.upload->outcome.hint ? scene.upload->outcome.hint : "";
        if (strncmp(hint, rows[i].hint, strlen(rows[i].hint)) != 0)
            fail_msg("row %zu: %s", i, hint);
        assert_string_equal(scene_record(&scene)->image_after,
                            rows[i].status == 200 ? "queued" : "");
        assert_true(headers_of_answer(scene.x, &scene.out));
        assert_string_equal(headers_get(&scene.out, "X-Intake-Hint"), hint);
        scene_end(&scene);
    }
}

/* What was refused is what later uploads are spared; once in the log. */
static void it_is_learned(void **state)
{
    static const struct {
        enum glance_checks checks;
        const char *disk_format, *text;
        unsigned learned;
    } rows[] = {
        {GLANCE_CHECKS_AUTO, "vhd", "abc", GLANCE_OBJECTIONS_ALL},
        {GLANCE_CHECKS_AUTO, "vhdx", "vhdxfile", GLANCE_OBJECTIONS_ALL},
        {GLANCE_CHECKS_AUTO, "raw", "abc",
         GLANCE_OBJECTIONS_ALL & ~GLANCE_OBJECTION_BIT(GLANCE_MISMATCH)},
        {GLANCE_CHECKS_OFF, "vhd", "abc", 0},
        {GLANCE_CHECKS_ON, "vhd", "abc", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, rows[i].disk_format, rows[i].text);
        scene.settings.upload.glance_checks = rows[i].checks;
        see(&scene, 200, SPOILT);
        assert_int_equal(inspection_refuses(&scene.inspection), rows[i].learned);
        assert_logged(&scene, "req-1: Glance has refused the data of image image after storing it");
        if (rows[i].learned)
            assert_logged(&scene, "req-1: this Glance looks at the data after storing it");
        scene_end(&scene);
    }
}

/* Of the type, of a part, of a stage; or no 415 at all. */
static void other_answers_teach_nothing(void **state)
{
    enum { TYPE, PART, STAGE, STATUS, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct scene scene;
        begin(&scene, state, "vhd", "abc");
        scene.upload->send.as_octets = way != TYPE;
        if (way == PART) {
            body_free(scene.upload->body);
            scene_body(&scene, "abc", NULL);
        }
        if (way == STAGE)
            scene_record(&scene)->kind = RECORD_STAGE;
        if (way == STATUS)
            scene_answer(&scene)->status = 409;
        scene_enter(&scene);
        assert_false(inspected_refused(scene.upload));
        assert_outcome(&scene, scene_run(&scene, upload_verify), REFUSAL_NONE, NULL);
        assert_null(scene.upload->outcome.hint);
        assert_int_equal(inspection_refuses(&scene.inspection), 0);
        scene_end(&scene);
    }
}

static void what_was_taken_is_remembered(void **state)
{
    struct scene scene;
    begin(&scene, state, "vhd", "abc");
    scene_answer(&scene)->status = 204;
    scene.settings.upload.verify = VERIFY_OFF;
    assert_outcome(&scene, scene_run(&scene, upload_verify), REFUSAL_NONE, NULL);
    assert_int_equal(scene.inspection.taken, GLANCE_OBJECTION_BIT(GLANCE_MISMATCH));
    scene_end(&scene);
}

static void what_is_refused_first(void **state)
{
    static const struct {
        enum glance_checks checks;
        bool learned;
        enum record_kind ingest;
        bool refuses;
    } rows[] = {
        {GLANCE_CHECKS_AUTO, false, RECORD_FILE, false},
        {GLANCE_CHECKS_AUTO, true, RECORD_FILE, true},
        {GLANCE_CHECKS_ON, false, RECORD_FILE, true},
        {GLANCE_CHECKS_OFF, true, RECORD_FILE, false},
        {GLANCE_CHECKS_ON, true, RECORD_STAGE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        scene_begin(&scene, state, NO_FIELDS);
        scene.settings.upload.glance_checks = rows[i].checks;
        scene_record(&scene)->kind = rows[i].ingest;
        if (rows[i].learned)
            inspection_learn_refused(&scene.inspection, GLANCE_MISMATCH);
        assert_int_equal(inspected_refuses(scene.upload),
                         rows[i].refuses ? GLANCE_OBJECTIONS_ALL : 0);
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_hint_says_what_has_become_of_it),
        SCENE_TEST(it_is_learned),
        SCENE_TEST(other_answers_teach_nothing),
        SCENE_TEST(what_was_taken_is_remembered),
        SCENE_TEST(what_is_refused_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
