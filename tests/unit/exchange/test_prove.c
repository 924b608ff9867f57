/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

static const char *const NO_FIELDS[] = {NULL};

/* The SHA-512 of "abc" (FIPS 180-4). */
#define SHA512                                                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

#define IMAGE(status, size, hash, stores)                                                          \
    "{\"status\": \"" status "\", \"size\": " size ", \"os_hash_algo\": \"sha512\", "              \
    "\"os_hash_value\": \"" hash "\", \"stores\": \"" stores "\"}"

#define GOOD IMAGE("active", "3", SHA512, "file,test")

/* Glance has answered `status` to an upload of "abc". */
static void begin(struct scene *scene, void **state, unsigned status)
{
    scene_begin(scene, state, NO_FIELDS);
    scene_sent(scene, "abc");
    scene->x->answer.status = status;
    scene->x->upload->store = strdup("test");
}

/* The step once it is entered, and once more when Glance has said this of the image. */
static enum step_result see(struct scene *scene, unsigned status, const char *image)
{
    scene->x->fresh = true;
    assert_int_equal(upload_prove(scene->x), STEP_WAIT);
    scene->x->fresh = false;
    assert_int_equal(upload_prove(scene->x), STEP_WAIT);
    scene_answered(&scene->x->image_asked, status, image);
    return upload_prove(scene->x);
}

static void look_for_long(struct scene *scene)
{
    scene->x->look_began = clock_ms() - 60 * 1000;
}

/* --- after a success ------------------------------------------------------------------- */

static void what_glance_has_is_compared(void **state)
{
    static const struct {
        enum verify_mode verify;
        const char *image;
        const char *verified;
        const char *detail; /* NULL: it is as it was sent */
    } rows[] = {
        {VERIFY_DIGEST, GOOD, "sha512", NULL},
        {VERIFY_SIZE, GOOD, "size", NULL},
        {VERIFY_DIGEST, "{\"status\": \"active\"}", "", NULL},
        {VERIFY_SIZE, IMAGE("active", "3", "00", "test"), "size", NULL},
        {VERIFY_DIGEST, IMAGE("active", "3", "0123456789abcdef00", "test"), "",
         "Glance has data whose sha512 is 0123456789abcdef..., and was sent ddaf35a193617aba..."},
        {VERIFY_DIGEST, IMAGE("active", "2", SHA512, "test"), "",
         "Glance has 2 bytes, and was sent 3"},
        {VERIFY_SIZE, IMAGE("active", "2", SHA512, "test"), "",
         "Glance has 2 bytes, and was sent 3"},
        {VERIFY_SIZE, IMAGE("active", "3", SHA512, "file"), "",
         "it is in file, and was to go to test"},
        {VERIFY_DIGEST, IMAGE("queued", "0", "", ""), "", "the image is queued again"},
        {VERIFY_DIGEST, IMAGE("killed", "3", SHA512, "test"), "", "the image is killed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, 204);
        scene.settings.upload.verify = rows[i].verify;
        assert_outcome(&scene, see(&scene, 200, rows[i].image),
                       rows[i].detail ? REFUSAL_VERIFY_FAILED : REFUSAL_NONE, rows[i].detail);
        assert_string_equal(scene.x->upload->verified, rows[i].verified);
        scene_end(&scene);
    }
}

/* Glance's answer stands; and the store was not this proxy's to choose. */
static void what_is_only_watched_is_told_apart_from_a_failure(void **state)
{
    static const struct {
        const char *image;
        const char *verified, *store;
        bool noted;
    } rows[] = {
        {IMAGE("active", "3", SHA512, "file"), "sha512", "file", false},
        {GOOD, "sha512", "file,test", false},
        {IMAGE("active", "3", SHA512, ""), "sha512", NULL, false},
        {IMAGE("active", "2", SHA512, "file"), "", "file", true},
        {IMAGE("queued", "0", "", ""), "", NULL, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, 204);
        scene.x->audit = AUDIT_ON;
        free(scene.x->upload->store);
        scene.x->upload->store = NULL;
        scene.x->upload->rule = strdup("watched");
        assert_outcome(&scene, see(&scene, 200, rows[i].image), REFUSAL_NONE, NULL);
        assert_string_equal(scene.x->upload->verified, rows[i].verified);
        assert_string_equal(scene.x->upload->rule, "watched");
        const char *store = scene.x->upload->store;
        if ((store == NULL) != (rows[i].store == NULL) ||
            (store && strcmp(store, rows[i].store) != 0))
            fail_msg("in %s", store ? store : "no store");
        assert_true(scene.x->upload->audit_reasons ==
                    (rows[i].noted ? refusal_bit(REFUSAL_VERIFY_FAILED) : 0));
        scene_end(&scene);
    }
}

static void what_it_hashes_with_is_learned(void **state)
{
    char algorithm[ALGORITHM_MAX + 1];
    struct scene scene;
    begin(&scene, state, 204);
    assert_int_equal(see(&scene, 200, "{\"status\": \"active\", \"os_hash_algo\": \"sha384\"}"),
                     STEP_NEXT);
    stores_algorithm(scene.parts.stores, algorithm);
    assert_string_equal(algorithm, "sha384");
    scene_end(&scene);
}

/* A good upload stays one. */
static void what_cannot_be_found_out_is_no_failure(void **state)
{
    static const struct {
        unsigned status; /* 0: it broke off */
        const char *image;
        const char *why;
    } rows[] = {
        {401, "", "the token has expired"},
        {403, "", "the caller may not see the image any more"},
        {404, "", "the caller may not see the image any more"},
        {503, "", "Glance fails to tell what it has stored"},
        {200, "<html>", "what Glance says of the image cannot be read"},
        {200, "{}", "what Glance says of the image cannot be read"},
        {0, "", "Glance does not tell what it has stored"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        char line[128];
        begin(&scene, state, 204);
        if (rows[i].status) {
            assert_outcome(&scene, see(&scene, rows[i].status, rows[i].image), REFUSAL_NONE, NULL);
        } else {
            scene_broke(&scene.x->image_asked, TRANSFER_FAILED);
            assert_outcome(&scene, upload_prove(scene.x), REFUSAL_NONE, NULL);
        }
        assert_string_equal(scene.x->upload->verified, "");
        snprintf(line, sizeof line, "req-1: not verified: %s", rows[i].why);
        assert_logged(&scene, line);
        scene_end(&scene);
    }
}

static void an_image_that_is_saving_is_looked_at_again(void **state)
{
    static const char saving[] = IMAGE("saving", "3", SHA512, "test");
    struct scene scene;
    begin(&scene, state, 204);
    assert_int_equal(see(&scene, 200, saving), STEP_WAIT);
    assert_int_not_equal(scene.x->look.place, 0); /* the timer is set */
    scene.x->look.fire(&scene.x->look);
    assert_int_equal(upload_prove(scene.x), STEP_WAIT); /* asked for anew */
    assert_true(scene.x->image_asked.begun && !scene.x->image_asked.over);
    scene_answered(&scene.x->image_asked, 200, GOOD);
    assert_outcome(&scene, upload_prove(scene.x), REFUSAL_NONE, NULL);
    assert_string_equal(scene.x->upload->verified, "sha512");
    scene_end(&scene);

    begin(&scene, state, 204);
    scene_answered(&scene.x->image_asked, 200, saving);
    look_for_long(&scene);
    assert_outcome(&scene, upload_prove(scene.x), REFUSAL_VERIFY_FAILED,
                   "Glance answered 204, and the image is still saving");
    assert_string_equal(scene.x->upload->image_after, "saving");
    scene_end(&scene);
}

static void nothing_is_asked_where_nothing_is_compared(void **state)
{
    static const struct {
        enum verify_mode verify;
        unsigned status;
    } rows[] = {{VERIFY_OFF, 204}, {VERIFY_DIGEST, 409}, {VERIFY_DIGEST, 413}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state, rows[i].status);
        scene.settings.upload.verify = rows[i].verify;
        scene.x->fresh = true;
        assert_outcome(&scene, upload_prove(scene.x), REFUSAL_NONE, NULL);
        assert_false(scene.x->image_asked.begun);
        scene_end(&scene);
    }
}

/* --- after a failure ------------------------------------------------------------------- */

#define QUEUED "the image is queued again: upload once more"
#define STUCK  "the image is stuck in saving: delete it and create it anew"

static void what_is_left_of_the_image_is_told(void **state)
{
    static const struct {
        enum refusal failure;
        const char *before; /* what was known of it */
        unsigned status;
        const char *image;
        const char *after, *detail;
    } rows[] = {
        {REFUSAL_GLANCE_FAILED, "", 200, IMAGE("queued", "0", "", ""), "queued", QUEUED},
        {REFUSAL_GLANCE_FAILED, "it broke", 200, IMAGE("queued", "0", "", ""), "queued",
         "it broke; " QUEUED},
        {REFUSAL_GLANCE_FAILED, "", 200, IMAGE("saving", "0", "", ""), "saving", STUCK},
        {REFUSAL_GLANCE_TIMEOUT, "", 200, IMAGE("saving", "0", "", ""), "saving",
         "the image is still saving"},
        {REFUSAL_GLANCE_FAILED, "", 200, GOOD, "active",
         "the image is active all the same: compare its os_hash_value with the file's"},
        {REFUSAL_GLANCE_FAILED, "", 404, "", "deleted", "the image is gone"},
        {REFUSAL_GLANCE_FAILED, "", 200, IMAGE("killed", "0", "", ""), "killed", ""},
        {REFUSAL_GLANCE_FAILED, "it broke", 503, "", "", "it broke"},
        {REFUSAL_GLANCE_FAILED, "", 401, "", "", ""},
        /* Glance's own answer: it passes as it is */
        {REFUSAL_NONE, "", 200, IMAGE("saving", "0", "", ""), "saving", NULL},
        {REFUSAL_NONE, "", 200, IMAGE("queued", "0", "", ""), "queued", NULL},
        {REFUSAL_NONE, "", 500, "", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        char line[128];
        begin(&scene, state, 500);
        scene.x->failure = rows[i].failure;
        scene_text(scene.x->failure_detail, rows[i].before);
        scene_answered(&scene.x->image_asked, rows[i].status, rows[i].image);
        look_for_long(&scene);
        assert_outcome(&scene, upload_prove(scene.x), rows[i].failure, rows[i].detail);
        assert_string_equal(scene.x->upload->image_after, rows[i].after);
        snprintf(line, sizeof line, "req-1: Glance failed, and the image image is %s now",
                 rows[i].after);
        assert_logged(&scene, rows[i].after[0] ? line : NULL);
        scene_end(&scene);
    }
}

/* Glance sets it back a moment after it has answered. */
static void one_that_is_saving_is_given_a_moment(void **state)
{
    struct scene scene;
    begin(&scene, state, 500);
    assert_int_equal(see(&scene, 200, IMAGE("saving", "0", "", "")), STEP_WAIT);
    assert_int_not_equal(scene.x->look.place, 0);
    assert_string_equal(scene.x->upload->image_after, "");
    scene_end(&scene);
}

/* Where verification is off, too. */
static void a_ruin_is_looked_at_whatever_is_compared(void **state)
{
    struct scene scene;
    begin(&scene, state, 500);
    scene.settings.upload.verify = VERIFY_OFF;
    assert_int_equal(see(&scene, 200, IMAGE("queued", "0", "", "")), STEP_NEXT);
    assert_string_equal(scene.x->upload->image_after, "queued");
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(what_glance_has_is_compared),
        SCENE_TEST(what_is_only_watched_is_told_apart_from_a_failure),
        SCENE_TEST(what_it_hashes_with_is_learned),
        SCENE_TEST(what_cannot_be_found_out_is_no_failure),
        SCENE_TEST(an_image_that_is_saving_is_looked_at_again),
        SCENE_TEST(nothing_is_asked_where_nothing_is_compared),
        SCENE_TEST(what_is_left_of_the_image_is_told),
        SCENE_TEST(one_that_is_saving_is_given_a_moment),
        SCENE_TEST(a_ruin_is_looked_at_whatever_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
