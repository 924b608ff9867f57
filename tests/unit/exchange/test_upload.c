/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

/* The steps that need nobody's bytes; scenarios have the others. */

static enum step_result run_step(struct scene *scene, const char *name)
{
    const struct step *step = UPLOAD_STEPS;
    while (step->name && strcmp(step->name, name) != 0)
        step++;
    assert_non_null(step->run);
    return step->run(scene->x);
}

static void begin(struct scene *scene, void **state, const char *status, const char *disk_format,
                  const char *container_format)
{
    static const char *const fields[] = {NULL};
    scene_begin(scene, state, fields);
    struct image *image = &scene->x->image;
    image->status = strdup(status);
    image->disk_format = disk_format ? strdup(disk_format) : NULL;
    image->container_format = container_format ? strdup(container_format) : NULL;
}

/* --- judge ----------------------------------------------------------------------------- */

static void an_image_must_wait_for_data_and_say_of_what_kind(void **state)
{
    static const struct {
        const char *status, *disk_format, *container_format;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {"queued", "raw", "bare", REFUSAL_NONE, NULL},
        {"active", "raw", "bare", REFUSAL_IMAGE_NOT_QUEUED, "its status is active"},
        {"saving", "raw", "bare", REFUSAL_IMAGE_NOT_QUEUED,
         "its status is saving, and this proxy is not uploading it"},
        {"killed", NULL, NULL, REFUSAL_IMAGE_NOT_QUEUED, "its status is killed"},
        {"queued", NULL, "bare", REFUSAL_FORMATS_UNSET, "disk_format is not set"},
        {"queued", "raw", NULL, REFUSAL_FORMATS_UNSET, "container_format is not set"},
        {"queued", NULL, NULL, REFUSAL_FORMATS_UNSET,
         "disk_format and container_format are not set"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, rows[i].status, rows[i].disk_format, rows[i].container_format);
        assert_outcome(&scene, run_step(&scene, "judge"), rows[i].refusal, rows[i].detail);
        scene_end(&scene);
    }
}

/* Whatever Glance says of its status: it is this proxy that knows how far it is. */
static void a_second_upload_is_told_of_the_first(void **state)
{
    static const char *const statuses[] = {"queued", "saving"};
    static const struct {
        struct claim_facts facts;
        const char *detail;
    } rows[] = {
        {{.size_known = true, .size = 300},
         "it began 90 s ago, and Glance has 200 of its 300 bytes"},
        {{.size_known = false}, "it began 90 s ago, and Glance has 200 bytes of it"},
    };
    for (size_t i = 0; i < 4; i++) {
        static const _Atomic uint64_t bytes = 200;
        struct scene scene;
        struct claim *first;
        struct claim_facts none, facts = rows[i / 2].facts;
        facts.began_wall_ms = clock_wall_ms() - 90400;
        begin(&scene, state, statuses[i % 2], "raw", "bare");
        assert_int_equal(claims_take(scene.parts.claims, "image", &facts, &bytes, &first, &none),
                         CLAIM_TAKEN);
        assert_outcome(&scene, run_step(&scene, "judge"), REFUSAL_UPLOAD_IN_PROGRESS,
                       rows[i / 2].detail);
        claim_release(first);
        scene_end(&scene);
    }
}

static void the_image_is_claimed_until_it_is_let_go(void **state)
{
    const struct claim_facts facts = {0};
    static const _Atomic uint64_t bytes;
    struct claim *second;
    struct claim_facts first;
    struct scene scene;
    begin(&scene, state, "queued", "raw", "bare");
    scene.x->size_known = true;
    scene.x->size = 300;
    scene.x->upload->bytes = 7;
    assert_int_equal(run_step(&scene, "judge"), STEP_NEXT);
    assert_int_equal(claims_take(scene.parts.claims, "image", &facts, &bytes, &second, &first),
                     CLAIM_HELD);
    assert_int_equal(first.began_wall_ms, scene.x->upload->began_wall_ms);
    assert_int_equal(first.bytes, 7);
    assert_true(first.size_known);
    assert_int_equal(first.size, 300);
    upload_let_go(scene.x);
    upload_let_go(scene.x);
    assert_int_equal(claims_take(scene.parts.claims, "image", &facts, &bytes, &second, &first),
                     CLAIM_TAKEN);
    claim_release(second);
    scene_end(&scene);
}

static void what_the_image_promises_is_held_too(void **state)
{
    struct scene scene;
    begin(&scene, state, "queued", "raw", "bare");
    scene.x->image.sdk_sha256 =
        strdup("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    scene.x->image.sdk_md5 = strdup(""); /* openstacksdk leaves it so unless it is asked */
    scene.x->image.owner = strdup("p");
    assert_int_equal(run_step(&scene, "judge"), STEP_NEXT);
    assert_int_equal(scene.x->image_promises.count, 1);
    assert_string_equal(scene.x->image_promises.rows[0].field, "owner_specified.openstack.sha256");
    assert_string_equal(scene.x->image_promises.rows[0].algorithm, "sha256");
    assert_string_equal(scene.x->upload->project, "p");
    scene_end(&scene);
}

/* --- settle ---------------------------------------------------------------------------- */

/* The body has told its size, 3: the decision that hung on it is made again. */
static void a_size_that_has_come_is_judged(void **state)
{
    static const char policy[] = "rules:\n"
                                 "  - {name: large, when: {larger_than: 2B}, store: file}\n"
                                 "default: {store: test}\n";
    for (uint64_t max_size = 2; max_size <= 3; max_size++) {
        struct scene scene;
        begin(&scene, state, "queued", "raw", "bare");
        scene_policy(&scene, state, policy);
        scene_body(&scene, "abc", NULL);
        scene.settings.upload.max_size = max_size;
        scene.x->size_comes = true;
        assert_outcome(&scene, run_step(&scene, "settle"),
                       max_size < 3 ? REFUSAL_TOO_LARGE : REFUSAL_NONE,
                       max_size < 3 ? "it has 3 bytes, and the limit is 2" : NULL);
        assert_true(scene.x->size_known);
        assert_int_equal(scene.x->size, 3);
        assert_string_equal(scene.x->upload->rule, "large");
        assert_string_equal(scene.x->upload->store, "file");
        scene_end(&scene);
    }
}

/* --- answer ---------------------------------------------------------------------------- */

static void glances_answer_is_the_clients(void **state)
{
    static const struct {
        unsigned status;
        const char *verified; /* as the steps before left it */
        enum upload_verdict verdict;
        const char *told; /* NULL: nothing is said of that */
    } rows[] = {
        {204, "sha512", UPLOAD_STORED, "sha512"},
        {204, "", UPLOAD_STORED, "no"},
        {413, "", UPLOAD_REJECTED, NULL},
        {500, "", UPLOAD_REJECTED, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, "queued", "raw", "bare");
        scene_sent(&scene, "abc");
        scene.x->answer.status = rows[i].status;
        scene_text(scene.x->upload->verified, rows[i].verified);
        assert_int_equal(run_step(&scene, "answer"), STEP_END);
        assert_int_equal(scene.client.answer.status, rows[i].status);
        assert_int_equal(scene.x->upload->glance_status, rows[i].status);
        assert_int_equal(scene.x->upload->verdict, rows[i].verdict);
        assert_string_equal(scene.x->upload->verified, rows[i].told ? rows[i].told : "");
        assert_field(&scene.client.answer.headers, "X-Intake-Verified", rows[i].told);
        assert_field(&scene.client.answer.headers, "X-Openstack-Request-Id", "req-1");
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(an_image_must_wait_for_data_and_say_of_what_kind),
        SCENE_TEST(a_second_upload_is_told_of_the_first),
        SCENE_TEST(the_image_is_claimed_until_it_is_let_go),
        SCENE_TEST(what_the_image_promises_is_held_too),
        SCENE_TEST(a_size_that_has_come_is_judged),
        SCENE_TEST(glances_answer_is_the_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
