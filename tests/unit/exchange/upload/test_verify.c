/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/fixture.h"

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
static void begin(struct fixture *fixture, void **state, unsigned status)
{
    fixture_begin(fixture, state, NO_FIELDS);
    fixture_sent(fixture, "abc");
    fixture_answer(fixture)->status = status;
    fixture_record(fixture)->store = strdup("test");
}

/* Enters the step, and runs it again when Glance has answered. */
static enum step_result see(struct fixture *fixture, unsigned status, const char *image)
{
    fixture_enter(fixture);
    assert_int_equal(fixture_run(fixture, upload_verify), STEP_WAIT);
    assert_int_equal(fixture_run(fixture, upload_verify), STEP_WAIT);
    fixture_answered(fixture_question(fixture, QUESTION_IMAGE), status, image);
    return fixture_run(fixture, upload_verify);
}

static void look_for_long(struct fixture *fixture)
{
    fixture_poll_since(fixture, 60 * 1000);
}

static void the_stored_image_is_compared(void **state)
{
    static const struct {
        enum verify_mode verify;
        const char *image;
        const char *verified;
        const char *detail; /* NULL: it is the same */
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
        struct fixture fixture;
        begin(&fixture, state, 204);
        fixture.settings.upload.verify = rows[i].verify;
        assert_outcome(&fixture, see(&fixture, 200, rows[i].image),
                       rows[i].detail ? REFUSAL_VERIFY_FAILED : REFUSAL_NONE, rows[i].detail);
        assert_string_equal(fixture_record(&fixture)->verified, rows[i].verified);
        fixture_end(&fixture);
    }
}

/* Glance's answer passes, and the proxy did not choose the store. */
static void audit_mode_notes_a_failed_verification(void **state)
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
        struct fixture fixture;
        begin(&fixture, state, 204);
        fixture_audit(&fixture, AUDIT_ON);
        free(fixture_record(&fixture)->store);
        fixture_record(&fixture)->store = NULL;
        fixture_record(&fixture)->rule = strdup("watched");
        assert_outcome(&fixture, see(&fixture, 200, rows[i].image), REFUSAL_NONE, NULL);
        assert_string_equal(fixture_record(&fixture)->verified, rows[i].verified);
        assert_string_equal(fixture_record(&fixture)->rule, "watched");
        const char *store = fixture_record(&fixture)->store;
        if ((store == NULL) != (rows[i].store == NULL) ||
            (store && strcmp(store, rows[i].store) != 0))
            fail_msg("in %s", store ? store : "no store");
        assert_true(fixture_record(&fixture)->audit_reasons ==
                    (rows[i].noted ? refusal_bit(REFUSAL_VERIFY_FAILED) : 0));
        fixture_end(&fixture);
    }
}

static void the_hash_algorithm_is_learned(void **state)
{
    char algorithm[ALGORITHM_MAX + 1];
    struct fixture fixture;
    begin(&fixture, state, 204);
    assert_int_equal(see(&fixture, 200, "{\"status\": \"active\", \"os_hash_algo\": \"sha384\"}"),
                     STEP_NEXT);
    stores_algorithm(fixture.parts.stores, algorithm);
    assert_string_equal(algorithm, "sha384");
    fixture_end(&fixture);
}

/* A good upload stays one. If the answer may change, the question is repeated until the time is
 * over.
 */
static void a_failed_verification_is_no_failure(void **state)
{
    static const struct {
        unsigned status; /* 0: the transfer failed */
        const char *image;
        const char *why;
        bool final; /* the first answer is enough */
    } rows[] = {
        {401, "", "the token has expired", true},
        {403, "", "the caller may not see the image any more", true},
        {404, "", "the caller may not see the image any more", true},
        {503, "", "Glance fails to tell what it has stored", false},
        {200, "<html>", "what Glance says of the image cannot be read", false},
        {200, "{}", "what Glance says of the image cannot be read", false},
        {0, "", "Glance does not tell what it has stored", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        char line[128];
        begin(&fixture, state, 204);
        if (!rows[i].final)
            look_for_long(&fixture);
        if (rows[i].status)
            fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), rows[i].status,
                             rows[i].image);
        else
            fixture_broke(fixture_question(&fixture, QUESTION_IMAGE), TRANSFER_FAILED);
        if (rows[i].final)
            fixture_poll_since(&fixture, 0);
        assert_outcome(&fixture, fixture_run(&fixture, upload_verify), REFUSAL_NONE, NULL);
        assert_string_equal(fixture_record(&fixture)->verified, "");
        snprintf(line, sizeof line, "req-1: not verified: %s", rows[i].why);
        assert_logged(&fixture, line);
        fixture_end(&fixture);
    }
}

/* After each failure, and then the image is seen. */
static void one_failed_question_ends_nothing(void **state)
{
    static const unsigned failures[] = {503, 500, 429, 302, 0};
    struct fixture fixture;
    begin(&fixture, state, 204);
    assert_int_equal(see(&fixture, 502, ""), STEP_WAIT);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        assert_true(fixture_is_set(&fixture, POLL_TIMER));
        fixture_fire(&fixture, POLL_TIMER);
        assert_int_equal(fixture_run(&fixture, upload_verify), STEP_WAIT);
        assert_true(fixture_question(&fixture, QUESTION_IMAGE)->begun &&
                    !fixture_question(&fixture, QUESTION_IMAGE)->over);
        if (failures[i])
            fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), failures[i], "");
        else
            fixture_broke(fixture_question(&fixture, QUESTION_IMAGE), TRANSFER_UNREACHABLE);
        assert_int_equal(fixture_run(&fixture, upload_verify), STEP_WAIT);
        assert_int_equal(fixture_run(&fixture, upload_verify),
                         STEP_WAIT); /* a wake-up in between changes nothing */
    }
    fixture_fire(&fixture, POLL_TIMER);
    assert_int_equal(fixture_run(&fixture, upload_verify), STEP_WAIT);
    fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), 200, GOOD);
    assert_outcome(&fixture, fixture_run(&fixture, upload_verify), REFUSAL_NONE, NULL);
    assert_string_equal(fixture_record(&fixture)->verified, "sha512");
    fixture_end(&fixture);
}

static void an_image_that_is_saving_is_asked_for_again(void **state)
{
    static const char saving[] = IMAGE("saving", "3", SHA512, "test");
    struct fixture fixture;
    begin(&fixture, state, 204);
    assert_int_equal(see(&fixture, 200, saving), STEP_WAIT);
    assert_true(fixture_is_set(&fixture, POLL_TIMER)); /* the timer is set */
    fixture_fire(&fixture, POLL_TIMER);
    assert_int_equal(fixture_run(&fixture, upload_verify),
                     STEP_WAIT); /* the question is repeated */
    assert_true(fixture_question(&fixture, QUESTION_IMAGE)->begun &&
                !fixture_question(&fixture, QUESTION_IMAGE)->over);
    fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), 200, GOOD);
    assert_outcome(&fixture, fixture_run(&fixture, upload_verify), REFUSAL_NONE, NULL);
    assert_string_equal(fixture_record(&fixture)->verified, "sha512");
    fixture_end(&fixture);

    begin(&fixture, state, 204);
    fixture_answered(fixture_question(&fixture, QUESTION_IMAGE), 200, saving);
    look_for_long(&fixture);
    assert_outcome(&fixture, fixture_run(&fixture, upload_verify), REFUSAL_VERIFY_FAILED,
                   "Glance answered 204, and the image is still saving");
    assert_string_equal(fixture_record(&fixture)->image_after, "saving");
    fixture_end(&fixture);
}

static void nothing_is_asked_if_nothing_is_compared(void **state)
{
    static const struct {
        enum verify_mode verify;
        unsigned status;
    } rows[] = {{VERIFY_OFF, 204}, {VERIFY_DIGEST, 409}, {VERIFY_DIGEST, 413}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        begin(&fixture, state, rows[i].status);
        fixture.settings.upload.verify = rows[i].verify;
        fixture_enter(&fixture);
        assert_outcome(&fixture, fixture_run(&fixture, upload_verify), REFUSAL_NONE, NULL);
        assert_false(fixture_question(&fixture, QUESTION_IMAGE)->begun);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_stored_image_is_compared),
        FIXTURE_TEST(audit_mode_notes_a_failed_verification),
        FIXTURE_TEST(the_hash_algorithm_is_learned),
        FIXTURE_TEST(a_failed_verification_is_no_failure),
        FIXTURE_TEST(one_failed_question_ends_nothing),
        FIXTURE_TEST(an_image_that_is_saving_is_asked_for_again),
        FIXTURE_TEST(nothing_is_asked_if_nothing_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
