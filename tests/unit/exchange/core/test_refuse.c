/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include "intake/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/exchange/scene.h"

static void begin(struct scene *scene, void **state)
{
    static const char *const fields[] = {NULL};
    scene_begin(scene, state, fields);
}

static void the_first_reason_is_kept(void **state)
{
    struct scene scene;
    begin(&scene, state);
    assert_int_equal(exchange_refuse_for(scene.x, REFUSAL_TOO_LARGE, "it has %d bytes", 3),
                     STEP_REFUSE);
    assert_int_equal(exchange_refuse_for(scene.x, REFUSAL_EMPTY_BODY, "later"), STEP_REFUSE);
    assert_int_equal(exchange_refuse(scene.x, REFUSAL_DRAINING), STEP_REFUSE);
    assert_int_equal(scene_refusal(&scene)->reason, REFUSAL_TOO_LARGE);
    assert_string_equal(scene_refusal(&scene)->detail, "it has 3 bytes");
    scene_end(&scene);
}

static void no_memory_is_logged(void **state)
{
    struct scene scene;
    begin(&scene, state);
    assert_outcome(&scene, exchange_no_memory(scene.x), REFUSAL_OUT_OF_MEMORY, "");
    assert_logged(&scene, "out of memory");
    scene_end(&scene);
}

/* A parser's fault is the client's, unless it is that one. */
static void a_fault_for_want_of_memory_is_nobodys(void **state)
{
    struct scene scene;
    begin(&scene, state);
    refusal_set_fault(scene_refusal(&scene), "req-1", REFUSAL_BAD_REQUEST, NO_MEMORY);
    assert_outcome(&scene, STEP_REFUSE, REFUSAL_OUT_OF_MEMORY, "");
    scene_end(&scene);
    begin(&scene, state);
    refusal_set_fault(scene_refusal(&scene), "req-1", REFUSAL_BAD_REQUEST, "it has two");
    assert_outcome(&scene, STEP_REFUSE, REFUSAL_BAD_REQUEST, "it has two");
    scene_end(&scene);
}

/* Whom it can help is told with the address that they used. */
static void the_address_is_the_clients_own(void **state)
{
    static const struct {
        enum route_kind kind;
        const char *image, *prefix, *url;
    } rows[] = {
        {ROUTE_UPLOAD, "an-id", "", "https://images.example:9292/v2/images/an-id/file"},
        {ROUTE_STAGE, "an-id", "", "https://images.example:9292/v2/images/an-id/stage"},
        {ROUTE_UPLOAD, "an-id", "/image", "https://images.example:9292/image/v2/images/an-id/file"},
        {ROUTE_RELAY, "", "", "http://HOST:9292/v2/images/ID/file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        begin(&scene, state);
        origin_free(&scene.x->request.origin);
        scene.x->request.origin = (struct origin){.proto = strdup("https"),
                                                  .host = strdup("images.example:9292"),
                                                  .prefix = strdup(rows[i].prefix),
                                                  .forwarded_for = strdup("")};
        scene.x->request.route.kind = rows[i].kind;
        scene_text(scene.x->request.route.image_id, rows[i].image);
        exchange_refuse(scene.x, REFUSAL_EMPTY_BODY);
        exchange_answer_refusal(scene.x);
        assert_int_equal(scene.client.answer.status, 400);
        assert_non_null(strstr(buffer_text(&scene.client.answer.body), rows[i].url));
        scene_end(&scene);
    }
}

static void what_is_answered_is_let_go(void **state)
{
    struct scene scene;
    begin(&scene, state);
    scene.image->status = strdup("queued");
    assert_int_equal(image_check_lock(scene.x, scene.check, scene.size), STEP_NEXT);
    assert_non_null(scene.check->lock);
    exchange_refuse(scene.x, REFUSAL_EMPTY_BODY);
    exchange_answer_refusal(scene.x);
    assert_null(scene.check->lock);
    scene_end(&scene);
}

static void who_is_gone_is_not_answered(void **state)
{
    struct scene scene;
    begin(&scene, state);
    scene.x->client = NULL;
    exchange_refuse(scene.x, REFUSAL_EMPTY_BODY);
    exchange_answer_refusal(scene.x);
    assert_int_equal(scene.client.answer.status, 0);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_first_reason_is_kept),
        SCENE_TEST(no_memory_is_logged),
        SCENE_TEST(a_fault_for_want_of_memory_is_nobodys),
        SCENE_TEST(the_address_is_the_clients_own),
        SCENE_TEST(what_is_answered_is_let_go),
        SCENE_TEST(who_is_gone_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
