/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

/* The steps that need nobody's bytes; scenarios have the others. */

static void begin(struct scene *scene, void **state)
{
    static const char *const fields[] = {NULL};
    scene_begin(scene, state, fields);
    scene_image(scene, "queued", "raw", "bare");
}

/* --- invite ---------------------------------------------------------------------------- */

/* (The client of this test cannot be invited.) */
static void a_request_without_a_body_waits_for_none(void **state)
{
    static const struct framing_facts framings[] = {{FRAMING_NONE, 0, false},
                                                    {FRAMING_LENGTH, 0, false}};
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        begin(&scene, state);
        scene.client.framing = framings[i];
        scene_audit(&scene, AUDIT_ON);
        scene_enter(&scene);
        assert_int_equal(scene_run_named(&scene, "invite"), STEP_NEXT);
        scene_end(&scene);
    }
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
        begin(&scene, state);
        scene_policy(&scene, state, policy);
        scene_body(&scene, "abc", NULL);
        scene.settings.upload.max_size = max_size;
        scene.size->comes_later = true;
        assert_outcome(&scene, scene_run_named(&scene, "settle"),
                       max_size < 3 ? REFUSAL_TOO_LARGE : REFUSAL_NONE,
                       max_size < 3 ? "it has 3 bytes, and the limit is 2" : NULL);
        assert_true(scene.size->known);
        assert_int_equal(scene.size->bytes, 3);
        assert_string_equal(scene_record(&scene)->rule, "large");
        assert_string_equal(scene_record(&scene)->store, "file");
        scene_end(&scene);
    }
}

/* A form that nobody has announced: the length was known, and it was not the image's. */
static void a_size_without_its_envelope_is_judged_again(void **state)
{
    static const char policy[] = "rules:\n"
                                 "  - {name: large, when: {larger_than: 4B}, store: file}\n"
                                 "default: {store: test}\n";
    struct scene scene;
    begin(&scene, state);
    scene_policy(&scene, state, policy);
    scene.size->known = true;
    scene.size->bytes = 5;
    assert_outcome(&scene, scene_run_named(&scene, "decide"), REFUSAL_NONE, NULL);
    assert_string_equal(scene_record(&scene)->store, "file");
    scene_body(&scene, "abc", NULL);
    assert_outcome(&scene, scene_run_named(&scene, "settle"), REFUSAL_NONE, NULL);
    assert_int_equal(scene.size->bytes, 3);
    assert_string_equal(scene_record(&scene)->rule, "default");
    assert_string_equal(scene_record(&scene)->store, "test");
    scene_end(&scene);
}

/* From then on nothing is refused; before, it was not known which rule applies. */
static void a_rule_that_watches_may_be_found_with_the_size(void **state)
{
    static const char policy[] = "rules:\n"
                                 "  - {name: large, when: {larger_than: 1B}, store: file,"
                                 "     max_size: 2B, mode: audit}\n"
                                 "default: {store: test}\n";
    const char *detail;
    struct scene scene;
    begin(&scene, state);
    scene_policy(&scene, state, policy);
    scene_body(&scene, "abc", NULL);
    scene.size->comes_later = true;
    assert_outcome(&scene, scene_run_named(&scene, "settle"), REFUSAL_NONE, NULL);
    assert_true(audit_only(scene.x));
    assert_string_equal(scene_record(&scene)->rule, "large");
    assert_null(scene_record(&scene)->store);
    assert_true(scene_record(&scene)->audit_reasons == refusal_bit(REFUSAL_TOO_LARGE));
    assert_int_equal(body_refusal(scene.upload->body, &detail), REFUSAL_NONE);
    scene_end(&scene);
}

static void what_is_only_watched_is_decided_once(void **state)
{
    struct scene scene;
    begin(&scene, state);
    scene_audit(&scene, AUDIT_ON);
    scene_body(&scene, "abc", NULL);
    assert_outcome(&scene, scene_run_named(&scene, "settle"), REFUSAL_NONE,
                   NULL); /* without a policy */
    assert_null(scene_record(&scene)->rule);
    scene_end(&scene);
}

/* --- answer ---------------------------------------------------------------------------- */

/* The SHA-512 of "abc" (FIPS 180-4). */
static const char HEX[] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

static void glances_answer_is_the_clients(void **state)
{
    static const struct {
        unsigned status;
        const char *verified; /* as the steps before left it */
        enum record_verdict verdict;
        const char *told; /* NULL: nothing is said of that */
    } rows[] = {
        {204, "sha512", VERDICT_STORED, "sha512"},
        {204, "", VERDICT_STORED, "no"},
        {413, "", VERDICT_REJECTED, NULL},
        {500, "", VERDICT_REJECTED, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state);
        scene_sent(&scene, "abc");
        scene_answer(&scene)->status = rows[i].status;
        const struct request_record *record = scene_record(&scene);
        scene_text(scene_record(&scene)->verified, rows[i].verified);
        assert_int_equal(scene_run_named(&scene, "answer"), STEP_END);
        assert_int_equal(scene.client.answer.status, rows[i].status);
        assert_null(
            scene_record(&scene)); /* with its answer the client finds it among the ended ones */
        assert_int_equal(record->verdict, rows[i].verdict);
        assert_string_equal(record->verified, rows[i].told ? rows[i].told : "");
        assert_int_equal(record->sha512 != NULL, rows[i].told != NULL);
        if (rows[i].told)
            assert_string_equal(record->sha512, HEX);
        assert_field(&scene.client.answer.headers, "X-Intake-Verified", rows[i].told);
        assert_field(&scene.client.answer.headers, "X-Openstack-Request-Id", "req-1");
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_size_that_has_come_is_judged),
        SCENE_TEST(a_request_without_a_body_waits_for_none),
        SCENE_TEST(a_size_without_its_envelope_is_judged_again),
        SCENE_TEST(a_rule_that_watches_may_be_found_with_the_size),
        SCENE_TEST(what_is_only_watched_is_decided_once),
        SCENE_TEST(glances_answer_is_the_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
