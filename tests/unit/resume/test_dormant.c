/* SPDX-License-Identifier: Apache-2.0 */
/* Kept uploads that no exchange has, in the list of uploads that can be resumed. */
#include "intake/buffer.h"
#include "intake/held_uploads.h"
#include "intake/kept_files.h"
#include "intake/loop.h"
#include "intake/record.h"
#include "intake/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct {
    struct held_uploads *uploads;
    struct spools *spools;
    struct loop *loop;
    unsigned dropped;
    char last[KEPT_IMAGE_MAX + 1];
} env;

static const struct held_limits LIMITS = {9, 9};

static void dropped(void *context, const char *image)
{
    (void)context;
    env.dropped++;
    strcpy(env.last, image);
}

static int set_up(void **state)
{
    (void)state;
    env.dropped = 0;
    env.uploads = held_uploads_new();
    env.spools = spools_new(NULL);
    env.loop = loop_new();
    return env.uploads && env.spools && env.loop &&
                   held_uploads_keep(env.uploads, env.spools, dropped, NULL)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    held_uploads_free(env.uploads);
    uint64_t left = spools_used(env.spools);
    spools_free(env.spools);
    loop_free(env.loop);
    return left == 0 ? 0 : -1;
}

static void add(const char *image, const char *project, uint64_t expires,
                const struct held_limits *limits)
{
    struct kept_facts facts = {
        .length = 100, .offset = 40, .expires_wall_ms = expires, .store = (char *)"test"};
    facts.project = (char *)project;
    strcpy(facts.image, image);
    assert_true(held_uploads_add_dormant(env.uploads, &facts, limits));
}

static void it_is_found_shown_and_counted(void **state)
{
    (void)state;
    struct held_facts facts;
    struct buffer text;
    struct records *const records[] = {held_uploads_records(env.uploads)};
    add("image-1", "demo", 77, &LIMITS);
    assert_true(held_uploads_find(env.uploads, "image-1", "test", &facts));
    assert_true(facts.held && facts.dormant && facts.same_store && !facts.moving);
    assert_int_equal(facts.offset, 40);
    assert_int_equal(facts.length, 100);
    assert_int_equal(facts.size, 100);
    assert_int_equal(facts.expires_wall_ms, 77);
    assert_true(held_uploads_is_dormant(env.uploads, "IMAGE-1"));
    assert_false(held_uploads_is_dormant(env.uploads, "image-2"));
    assert_false(held_uploads_offer(env.uploads, "image-1", NULL));
    assert_int_equal(held_uploads_count(env.uploads), 1);
    assert_int_equal(spools_used(env.spools), 40);
    buffer_init(&text, 10000);
    assert_true(records_json(records, 1, &text));
    assert_non_null(strstr(buffer_text(&text), "\"state\": \"held\""));
    assert_non_null(strstr(buffer_text(&text), "\"spooled\": 40"));
    buffer_free(&text);
}

static void an_upload_that_goes_on_replaces_it(void **state)
{
    (void)state;
    static const struct held_upload_events none = {0};
    const struct held_upload_plan plan = {
        .image = "image", .length = 100, .loop = env.loop, .events = &none};
    add("image", NULL, 77, &LIMITS);
    struct held_upload *upload = held_upload_new(env.uploads, &plan);
    assert_false(held_uploads_is_dormant(env.uploads, "image"));
    assert_true(held_uploads_has(env.uploads, "image"));
    assert_int_equal(held_uploads_count(env.uploads), 0);
    assert_int_equal(spools_used(env.spools), 0);
    add("image", NULL, 77, &LIMITS); /* before its row is freed: there is no gap */
    held_upload_free(upload);
    assert_true(held_uploads_is_dormant(env.uploads, "image"));
    assert_int_equal(env.dropped, 0);
}

static void it_is_dropped(void **state)
{
    (void)state;
    add("image", NULL, 77, &LIMITS);
    assert_true(held_uploads_drop(env.uploads, "image", "enough"));
    assert_false(held_uploads_drop(env.uploads, "image", "enough"));
    assert_int_equal(env.dropped, 1);
    assert_string_equal(env.last, "image");
}

static void its_window_ends(void **state)
{
    (void)state;
    add("a", NULL, 77, &LIMITS);
    add("b", NULL, 78, &LIMITS);
    held_uploads_expire(env.uploads, 76);
    assert_int_equal(env.dropped, 0);
    held_uploads_expire(env.uploads, 77);
    assert_int_equal(env.dropped, 1);
    assert_string_equal(env.last, "a");
}

static void limits_count(void **state)
{
    (void)state;
    static const struct held_limits two = {9, 2};
    add("a", "demo", 77, &two);
    add("b", "demo", 77, &two);
    add("c", "other", 77, &two);
    assert_int_equal(env.dropped, 0);
    add("d", "demo", 77, &two);
    assert_int_equal(env.dropped, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_found_shown_and_counted),
        TEST(an_upload_that_goes_on_replaces_it),
        TEST(it_is_dropped),
        TEST(its_window_ends),
        TEST(limits_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
