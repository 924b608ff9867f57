/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include "intake/ingest.h"
#include "intake/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

static const char TEXT[] = "[{\"op\": \"replace\", \"path\": \"/name\", \"value\": \"x\"}]";

/* An update whose body is `text`; `length` UINT64_MAX: chunked. */
static void begin(struct scene *scene, void **state, const char *text, uint64_t length)
{
    static const char *const fields[] = {NULL};
    scene_begin_ingest(scene, state, ROUTE_UPDATE, fields, "default: {store: test}\n", length);
    scene->client.sends = text;
    scene->client.then = STREAM_END;
    scene_enter(scene);
}

enum { NEWCOMER_MAX = 16 << 10, NEWCOMERS_MAX = 4 << 20, KNOWN_MAX = 16 << 20 };

/* The first byte is there. */
static enum step_result go_on(struct scene *scene)
{
    scene->x->body_readable = true;
    return scene_run(scene, buffer_body);
}

static const char IMAGE[] = "{\"id\": \"image\", \"status\": \"queued\"}";

/* Glance is asked who the client is, and knows. */
static enum step_result go_on_known(struct scene *scene)
{
    assert_int_equal(go_on(scene), STEP_WAIT);
    assert_true(scene_question(scene, QUESTION_IMAGE)->begun);
    scene_answered(scene_question(scene, QUESTION_IMAGE), 200, IMAGE);
    return go_on(scene);
}

/* So many bytes, of which a NUL is behind the last. */
static char *spaces(size_t count)
{
    char *text = malloc(count + 1);
    assert_non_null(text);
    memset(text, ' ', count);
    text[count] = '\0';
    return text;
}

static void all_of_it_is_held_in_whatever_pieces(void **state)
{
    for (size_t piece = 0; piece <= strlen(TEXT); piece++) {
        struct scene scene;
        begin(&scene, state, TEXT, strlen(TEXT));
        scene.client.piece = piece;
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
        assert_true(scene.client.invited);
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT); /* woken by something else */
        assert_int_equal(go_on(&scene), STEP_NEXT);
        assert_string_equal(buffer_text(scene_json(&scene)), TEXT);
        assert_int_equal(scene.parts.holders.newcomers, strlen(TEXT));
        scene_end(&scene);
        assert_int_equal(scene.parts.holders.newcomers, 0);
    }
}

static void it_is_waited_for(void **state)
{
    struct scene scene;
    begin(&scene, state, "[1", UINT64_MAX);
    scene.client.then = STREAM_WAIT;
    assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&scene), STEP_WAIT);
    assert_int_equal(go_on(&scene), STEP_WAIT);
    scene.client.sends = ", 2]";
    scene.client.then = STREAM_END;
    assert_int_equal(go_on(&scene), STEP_NEXT);
    assert_string_equal(buffer_text(scene_json(&scene)), "[1, 2]");
    scene_end(&scene);
}

/* A byte now and then is not enough: what is held is shared with others. */
static void it_is_not_waited_for_for_ever(void **state)
{
    struct scene scene;
    begin(&scene, state, "[1", UINT64_MAX);
    scene.client.then = STREAM_WAIT;
    assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
    assert_true(scene_is_set(&scene, STEP_TIMER)); /* the timer is set */
    assert_int_equal(go_on(&scene), STEP_WAIT);
    scene_fire(&scene, STEP_TIMER);
    assert_outcome(&scene, go_on(&scene), REFUSAL_CLIENT_STALLED,
                   "all of its JSON was to come within 60 s");
    scene_end(&scene);
}

static void once_it_is_whole_there_is_time(void **state)
{
    struct scene scene;
    begin(&scene, state, TEXT, strlen(TEXT));
    assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&scene), STEP_NEXT);
    assert_false(scene_is_set(&scene, STEP_TIMER));
    scene_end(&scene);
}

static void who_is_lost_is_dropped(void **state)
{
    struct scene scene;
    begin(&scene, state, "[1", UINT64_MAX);
    scene.client.then = STREAM_LOST;
    assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&scene), STEP_END);
    assert_true(scene.client.dropped);
    scene_end(&scene);
}

/* --- too long ---------------------------------------------------------------------------- */

static void a_length_that_is_too_much_is_refused_at_once(void **state)
{
    struct scene scene;
    begin(&scene, state, "", INGEST_BODY_MAX + UINT64_C(1));
    assert_outcome(&scene, scene_run(&scene, buffer_body), REFUSAL_JSON_TOO_LONG,
                   "it may have 256 KiB");
    assert_false(scene.client.invited);
    assert_int_equal(scene_record(&scene)->kind, RECORD_LOCATIONS);
    scene_end(&scene);
    begin(&scene, state, "", INGEST_BODY_MAX);
    assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
    scene_end(&scene);
}

static void what_grows_too_long_is_refused_as_soon_as_it_has(void **state)
{
    for (size_t over = 0; over <= 1; over++) {
        struct scene scene;
        char *text = spaces(INGEST_BODY_MAX + over);
        begin(&scene, state, text, UINT64_MAX);
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
        scene.client.then = over ? STREAM_WAIT : STREAM_END;
        assert_outcome(&scene, go_on_known(&scene), over ? REFUSAL_JSON_TOO_LONG : REFUSAL_NONE,
                       over ? "it may have 256 KiB" : NULL);
        scene_end(&scene);
        free(text);
    }
}

/* Not one byte is lost of what goes on unjudged. */
static void what_is_only_watched_goes_on(void **state)
{
    for (size_t announced = 0; announced <= 1; announced++) {
        struct scene scene;
        size_t count = 2 * INGEST_BODY_MAX;
        char *text = spaces(count);
        begin(&scene, state, text, announced ? count : UINT64_MAX);
        scene_policy(&scene, state, "mode: audit\ndefault: {store: test}\n");
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
        assert_outcome(&scene, announced ? go_on(&scene) : go_on_known(&scene), REFUSAL_NONE, NULL);
        assert_true(scene.ingest->body.unchecked);
        assert_int_equal(scene_record(&scene)->audit_reasons, refusal_bit(REFUSAL_JSON_TOO_LONG));
        assert_int_equal(scene_json(&scene)->len + strlen(scene.client.sends), count);
        scene_end(&scene);
        free(text);
    }
}

static void one_rule_that_watches_is_not_enough(void **state)
{
    struct scene scene;
    begin(&scene, state, "", INGEST_BODY_MAX + UINT64_C(1));
    scene_policy(&scene, state,
                 "rules: [{name: all, store: test, mode: audit}]\ndefault: {store: test}\n");
    assert_outcome(&scene, scene_run(&scene, buffer_body), REFUSAL_JSON_TOO_LONG,
                   "it may have 256 KiB");
    scene_end(&scene);
}

/* --- all of them together ------------------------------------------------------------------ */

/* It may be of any length that is not too long; what it needs is that somebody knows its client. */
static void a_little_is_held_for_anybody(void **state)
{
    for (size_t over = 0; over <= 1; over++) {
        struct scene scene;
        char *text = spaces(NEWCOMER_MAX + over);
        begin(&scene, state, text, UINT64_MAX);
        scene.client.then = STREAM_WAIT;
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
        assert_int_equal(go_on(&scene), STEP_WAIT);
        assert_int_equal(scene_json(&scene)->len, NEWCOMER_MAX);
        assert_true(scene_question(&scene, QUESTION_IMAGE)->begun);
        assert_int_equal(go_on(&scene), STEP_WAIT); /* and no more until that is answered */
        assert_int_equal(scene_json(&scene)->len, NEWCOMER_MAX);
        scene_answered(scene_question(&scene, QUESTION_IMAGE), 200, IMAGE);
        scene.client.then = STREAM_END;
        assert_int_equal(go_on(&scene), STEP_NEXT);
        assert_int_equal(scene_json(&scene)->len, NEWCOMER_MAX + over);
        assert_int_equal(scene.parts.holders.newcomers, 0);
        assert_int_equal(scene.parts.holders.known, NEWCOMER_MAX + over);
        assert_false(scene_question(&scene, QUESTION_IMAGE)->begun);
        scene_end(&scene);
        assert_int_equal(scene.parts.holders.known, 0);
        assert_null(scene.parts.holders.first);
        free(text);
    }
}

/* What Glance says to that is the answer. */
static void strangers_get_glances_own_answer(void **state)
{
    static const unsigned statuses[] = {401, 403, 404, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct scene scene;
        char *text = spaces(2 * NEWCOMER_MAX);
        begin(&scene, state, text, UINT64_MAX);
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
        assert_int_equal(go_on(&scene), STEP_WAIT);
        scene_answered(scene_question(&scene, QUESTION_IMAGE), statuses[i], "Glance's own");
        assert_int_equal(go_on(&scene), STEP_END);
        assert_int_equal(scene.client.answer.status, statuses[i]);
        assert_string_equal(buffer_text(&scene.client.answer.body), "Glance's own");
        scene_end(&scene);
        free(text);
    }
}

static void without_an_answer_it_is_refused(void **state)
{
    struct scene scene;
    char *text = spaces(2 * NEWCOMER_MAX);
    begin(&scene, state, text, UINT64_MAX);
    assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
    assert_int_equal(go_on(&scene), STEP_WAIT);
    scene_broke(scene_question(&scene, QUESTION_IMAGE), TRANSFER_UNREACHABLE);
    assert_outcome(&scene, go_on(&scene), REFUSAL_GLANCE_UNREACHABLE, NULL);
    scene_end(&scene);
    free(text);
}

/* When strangers have taken all that is theirs, whoever is known is let in all the same. */
static void strangers_fill_only_their_own_room(void **state)
{
    struct scene scene;
    begin(&scene, state, TEXT, strlen(TEXT));
    scene.parts.holders.newcomers = NEWCOMERS_MAX;
    assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
    assert_int_equal(go_on_known(&scene), STEP_NEXT);
    assert_string_equal(buffer_text(scene_json(&scene)), TEXT);
    scene_end(&scene);
    assert_int_equal(scene.parts.holders.newcomers, NEWCOMERS_MAX);
}

static void a_worker_holds_no_more_than_so_much(void **state)
{
    for (size_t over = 0; over <= 1; over++) {
        struct scene scene;
        begin(&scene, state, TEXT, strlen(TEXT));
        scene.parts.holders.newcomers = NEWCOMERS_MAX;
        scene.parts.holders.known = KNOWN_MAX - strlen(TEXT) - 1 + over; /* by others */
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
        assert_outcome(&scene, go_on_known(&scene),
                       over ? REFUSAL_TOO_MANY_CONNECTIONS : REFUSAL_NONE,
                       over ? "too many of them are sending JSON at this moment" : NULL);
        scene_end(&scene);
        assert_int_equal(scene.parts.holders.known, KNOWN_MAX - strlen(TEXT) - 1 + over);
    }
}

/* --- given ------------------------------------------------------------------------------- */

static void it_is_given_in_whatever_pieces(void **state)
{
    for (size_t room = 1; room <= sizeof TEXT; room++) {
        struct scene scene;
        char got[sizeof TEXT] = "";
        begin(&scene, state, TEXT, strlen(TEXT));
        assert_int_equal(scene_run(&scene, buffer_body), STEP_WAIT);
        assert_int_equal(go_on(&scene), STEP_NEXT);
        size_t length = 0;
        for (size_t count; (count = buffer_body_read(scene.x, got + length, room)) > 0;
             length += count)
            assert_true(count <= room && length + count < sizeof got);
        assert_string_equal(got, TEXT);
        assert_int_equal(buffer_body_read(scene.x, got, room), 0);
        scene_end(&scene);
    }
}

static void where_nothing_is_held_nothing_is_given(void **state)
{
    struct scene scene;
    char got[1];
    begin(&scene, state, "", 0);
    assert_int_equal(buffer_body_read(scene.x, got, sizeof got), 0);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(all_of_it_is_held_in_whatever_pieces),
        SCENE_TEST(it_is_waited_for),
        SCENE_TEST(it_is_not_waited_for_for_ever),
        SCENE_TEST(once_it_is_whole_there_is_time),
        SCENE_TEST(who_is_lost_is_dropped),
        SCENE_TEST(a_length_that_is_too_much_is_refused_at_once),
        SCENE_TEST(what_grows_too_long_is_refused_as_soon_as_it_has),
        SCENE_TEST(what_is_only_watched_goes_on),
        SCENE_TEST(one_rule_that_watches_is_not_enough),
        SCENE_TEST(a_little_is_held_for_anybody),
        SCENE_TEST(strangers_get_glances_own_answer),
        SCENE_TEST(without_an_answer_it_is_refused),
        SCENE_TEST(strangers_fill_only_their_own_room),
        SCENE_TEST(a_worker_holds_no_more_than_so_much),
        SCENE_TEST(it_is_given_in_whatever_pieces),
        SCENE_TEST(where_nothing_is_held_nothing_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
