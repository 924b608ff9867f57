/* SPDX-License-Identifier: Apache-2.0 */
/* The list of uploads that can be resumed: facts, messages to their workers, limits. */
#include "intake/held_uploads.h"

#include "intake/headers.h"
#include "intake/loop.h"
#include "intake/resumption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    struct held_uploads *uploads;
    struct loop *loop;
} env;

/* An upload, and what it was told. */
struct told {
    struct held_upload *upload;
    unsigned offers;
    const char *dropped;
};

static void offered(void *owner, struct resumption *resumption)
{
    ((struct told *)owner)->offers++;
    resumption_end(resumption, RESUMPTION_PART, NULL, 7);
    resumption_release(resumption);
}

static void dropped(void *owner, const char *why)
{
    struct told *told = owner;
    told->dropped = why;
    held_upload_free(told->upload);
    told->upload = NULL;
}

static const struct held_upload_events EVENTS = {offered, dropped};

static void add(struct told *told, const char *image, const char *project)
{
    const struct held_upload_plan plan = {.image = image,
                                          .store = "test",
                                          .project = project,
                                          .length = 100,
                                          .size = 300,
                                          .loop = env.loop,
                                          .events = &EVENTS,
                                          .owner = told};
    *told = (struct told){.upload = held_upload_new(env.uploads, &plan)};
    assert_non_null(told->upload);
}

static struct resumption *offer(const char *image, int *end, bool taken)
{
    struct headers fields = {0};
    struct resumption *resumption = resumption_new(0, 1, &fields, end);
    assert_non_null(resumption);
    assert_int_equal(held_uploads_offer(env.uploads, image, resumption), taken);
    return resumption;
}

static void run_loop(void)
{
    while (loop_run_sent(env.loop))
        ;
}

static int set_up(void **state)
{
    (void)state;
    env.uploads = held_uploads_new();
    env.loop = loop_new();
    return env.uploads && env.loop ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    run_loop();
    held_uploads_free(env.uploads);
    loop_free(env.loop);
    return 0;
}

static void facts_are_those_of_the_image(void **state)
{
    (void)state;
    struct told one, other;
    struct held_facts facts;
    add(&one, "image-1", "demo");
    add(&other, "image-2", NULL);
    held_upload_moved(one.upload, 42);
    assert_true(held_uploads_find(env.uploads, "image-1", "test", &facts));
    assert_int_equal(facts.offset, 42);
    assert_int_equal(facts.length, 100);
    assert_int_equal(facts.size, 300);
    assert_true(facts.moving && facts.same_store && !facts.held);
    assert_true(held_uploads_find(env.uploads, "image-2", "file", &facts));
    assert_false(facts.same_store);
    assert_true(held_uploads_find(env.uploads, "image-2", NULL, &facts));
    assert_false(facts.same_store);
    assert_false(held_uploads_find(env.uploads, "image", "test", &facts));
    held_upload_free(one.upload);
    held_upload_free(other.upload);
    assert_false(held_uploads_find(env.uploads, "image-1", "test", &facts));
}

static void upload_without_a_client_does_not_move(void **state)
{
    (void)state;
    struct told one;
    struct held_facts facts;
    const struct held_limits limits = {9, 9};
    add(&one, "image", "demo");
    held_upload_waits(one.upload);
    assert_true(held_upload_is_moving(one.upload)); /* not for long enough */
    held_upload_hold(one.upload, 12345, &limits);
    assert_false(held_upload_is_moving(one.upload));
    assert_true(held_uploads_find(env.uploads, "image", NULL, &facts));
    assert_true(facts.held && !facts.moving);
    assert_int_equal(facts.expires_wall_ms, 12345);
    assert_int_equal(held_uploads_count(env.uploads), 1);
    held_upload_continue(one.upload);
    assert_true(held_upload_is_moving(one.upload));
    assert_int_equal(held_uploads_count(env.uploads), 0);
    held_upload_free(one.upload);
}

static void one_offer_at_a_time_reaches_the_upload(void **state)
{
    (void)state;
    struct told one;
    struct resumption_outcome outcome;
    int end, other_end, no_end;
    add(&one, "image", "demo");
    struct resumption *first = offer("image", &end, true);
    struct resumption *second = offer("image", &other_end, false);
    struct resumption *third = offer("other", &no_end, false);
    run_loop();
    assert_int_equal(one.offers, 1);
    resumption_outcome(first, &outcome);
    assert_int_equal(outcome.result, RESUMPTION_PART);
    assert_int_equal(outcome.offset, 7);
    assert_int_equal(read(end, &outcome, 1), 0); /* end of file */
    held_upload_free(one.upload);
    resumption_release(first);
    resumption_release(second);
    resumption_release(third);
    close(end);
    close(other_end);
    close(no_end);
}

static void offer_to_an_upload_that_ends_is_refused(void **state)
{
    (void)state;
    for (int drops = 0; drops < 2; drops++) {
        struct told one;
        struct resumption_outcome outcome;
        int end;
        add(&one, "image", "demo");
        struct resumption *resumption = offer("image", &end, true);
        if (drops)
            assert_true(held_uploads_drop(env.uploads, "image", "enough"));
        else
            held_upload_free(one.upload);
        run_loop();
        assert_int_equal(one.offers, 0);
        assert_true(!drops || strcmp(one.dropped, "enough") == 0);
        resumption_outcome(resumption, &outcome);
        assert_int_equal(outcome.result, RESUMPTION_REFUSED);
        assert_int_equal(outcome.reason, REFUSAL_OFFSET_MISMATCH);
        resumption_release(resumption);
        close(end);
    }
    assert_false(held_uploads_drop(env.uploads, "image", "enough"));
}

/* `uploads[0]` has waited longest. */
static void longest_wait_ends_at_the_limits(void **state)
{
    (void)state;
    static const struct held_limits limits[] = {{2, 9}, {9, 2}};
    for (size_t i = 0; i < 2; i++) {
        struct told uploads[4];
        static const char *const images[] = {"a", "b", "c", "d"};
        for (size_t j = 0; j < 4; j++) {
            add(&uploads[j], images[j], j == 3 ? "other" : "demo");
            usleep(2000);
            if (j != 3)
                held_upload_hold(uploads[j].upload, 1, &limits[i]);
        }
        run_loop();
        assert_non_null(uploads[0].dropped);
        for (size_t j = 1; j < 4; j++) {
            assert_null(uploads[j].dropped);
            held_upload_free(uploads[j].upload);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(facts_are_those_of_the_image),           TEST(upload_without_a_client_does_not_move),
        TEST(one_offer_at_a_time_reaches_the_upload), TEST(offer_to_an_upload_that_ends_is_refused),
        TEST(longest_wait_ends_at_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
