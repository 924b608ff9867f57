/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/record.h"

#include "admin/admin_priv.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "stats/records_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct metrics *metrics;
static struct uploads *uploads;

static int set_up(void **state)
{
    (void)state;
    metrics = metrics_new();
    uploads = metrics ? uploads_new(metrics) : NULL;
    return uploads && log_open(LOG_FORMAT_TEXT, false, "/dev/null") ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    uploads_free(uploads);
    metrics_free(metrics);
    return 0;
}

static struct upload *make(const char *image)
{
    struct upload *upload = upload_new("req-1", "192.0.2.7", image);
    assert_non_null(upload);
    return upload;
}

static void leave(struct upload *upload, enum upload_verdict verdict)
{
    upload->verdict = verdict;
    uploads_leave(uploads, upload);
}

static void assert_lists(size_t in_flight, size_t finished)
{
    json_t *document = uploads_collect(&uploads, 1);
    assert_non_null(document);
    assert_int_equal(json_array_size(json_object_get(document, "in_flight")), in_flight);
    assert_int_equal(json_array_size(json_object_get(document, "finished")), finished);
    json_decref(document);
}

static void assert_metric(const char *line)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    static const struct metrics_common common;
    assert_true(metrics_text(&metrics, 1, &common, &text));
    if (!strstr(buffer_text(&text), line))
        fail_msg("no \"%s\" in\n%s", line, buffer_text(&text));
    buffer_free(&text);
}

static void test_comes_and_goes(void **state)
{
    (void)state;
    struct upload *first = make("first");
    struct upload *second = make("second");
    struct upload *third = make("third");
    uploads_enter(uploads, first);
    uploads_enter(uploads, second);
    uploads_enter(uploads, third);
    assert_lists(3, 0);
    assert_metric("\nglance_intake_uploads_in_flight 3\n");
    leave(second, UPLOAD_STORED); /* from the middle, the end and the front */
    leave(first, UPLOAD_ABORTED);
    assert_lists(1, 2);
    leave(third, UPLOAD_FAILED);
    assert_lists(0, 3);
    assert_metric("\nglance_intake_uploads_in_flight 0\n");
    assert_metric("\nglance_intake_uploads_total{result=\"stored\",store=\"none\"} 1\n");
}

/* Refused before data could flow: never in flight, and still in the list, the log and the
 * metrics. */
static void test_leaves_without_having_entered(void **state)
{
    (void)state;
    struct upload *other = make("other");
    uploads_enter(uploads, other);
    struct upload *upload = make("image");
    upload->reason = REFUSAL_TOO_LARGE;
    leave(upload, UPLOAD_REFUSED);
    assert_lists(1, 1);
    assert_metric("\nglance_intake_uploads_in_flight 1\n");
    assert_metric("\nglance_intake_uploads_total{result=\"refused\",store=\"none\"} 1\n");
    leave(other, UPLOAD_STORED);
}

/* The size may be known late: then the policy is asked a second time. */
static void test_is_decided_again(void **state)
{
    (void)state;
    struct upload *upload = make("image");
    assert_true(uploads_decided(uploads, upload, "default", NULL));
    assert_string_equal(upload->rule, "default");
    assert_null(upload->store);
    uploads_enter(uploads, upload);
    char rule[] = "large", store[] = "test";
    assert_true(uploads_decided(uploads, upload, rule, store));
    rule[0] = store[0] = 'x'; /* both are copies */
    assert_string_equal(upload->rule, "large");
    assert_string_equal(upload->store, "test");
    leave(upload, UPLOAD_STORED);
    assert_metric("\nglance_intake_uploads_total{result=\"stored\",store=\"test\"} 1\n");
}

static void test_keeps_the_last_hundred(void **state)
{
    (void)state;
    for (int i = 0; i < UPLOADS_FINISHED_KEPT + 5; i++) {
        char image[16];
        snprintf(image, sizeof image, "%d", i);
        leave(make(image), UPLOAD_STORED);
    }
    assert_lists(0, UPLOADS_FINISHED_KEPT);
    assert_string_equal(uploads->finished.first->image, "104");
    assert_string_equal(uploads->finished.last->image, "5");
}

static void test_half_built(void **state)
{
    (void)state;
    upload_free(NULL);
    uploads_free(NULL);
    struct upload *upload = upload_new("req-1", "192.0.2.7", NULL);
    assert_non_null(upload);
    assert_null(upload->image);
    assert_int_equal(upload->verdict, UPLOAD_RUNNING);
    upload_free(upload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_comes_and_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaves_without_having_entered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_is_decided_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keeps_the_last_hundred, set_up, tear_down),
        cmocka_unit_test(test_half_built),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
