/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/record.h"

#include "admin/admin_priv.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "stats/records_json.h"
#include "stats/records_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct metrics *metrics;
static struct records *records;

static int set_up(void **state)
{
    (void)state;
    metrics = metrics_new();
    records = metrics ? records_new(metrics) : NULL;
    return records && log_open(LOG_FORMAT_TEXT, false, "/dev/null") ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    records_free(records);
    metrics_free(metrics);
    return 0;
}

static struct request_record *make(const char *image)
{
    struct request_record *record = record_new("req-1", "192.0.2.7", image);
    assert_non_null(record);
    return record;
}

static void leave(struct request_record *record, enum record_verdict verdict)
{
    record->verdict = verdict;
    records_leave(records, record);
}

static void assert_lists(size_t in_flight, size_t finished)
{
    json_t *document = records_collect(&records, 1);
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

static void record_enters_and_leaves(void **state)
{
    (void)state;
    struct request_record *first = make("first");
    struct request_record *second = make("second");
    struct request_record *third = make("third");
    records_enter(records, first);
    records_enter(records, second);
    records_enter(records, third);
    assert_lists(3, 0);
    assert_metric("\nglance_intake_uploads_in_flight 3\n");
    leave(second, VERDICT_STORED); /* from the middle, the end and the beginning */
    leave(first, VERDICT_ABORTED);
    assert_lists(1, 2);
    leave(third, VERDICT_FAILED);
    assert_lists(0, 3);
    assert_metric("\nglance_intake_uploads_in_flight 0\n");
    assert_metric("\nglance_intake_uploads_total{result=\"stored\",store=\"none\"} 1\n");
}

/* Refused before data could flow: never in flight, and still in the list, the log and the
 * metrics. */
static void record_may_leave_without_entering(void **state)
{
    (void)state;
    struct request_record *other = make("other");
    records_enter(records, other);
    struct request_record *record = make("image");
    record->reason = REFUSAL_TOO_LARGE;
    leave(record, VERDICT_REFUSED);
    assert_lists(1, 1);
    assert_metric("\nglance_intake_uploads_in_flight 1\n");
    assert_metric("\nglance_intake_uploads_total{result=\"refused\",store=\"none\"} 1\n");
    leave(other, VERDICT_STORED);
}

/* The size may be known late: then the policy is asked a second time. */
static void record_may_be_decided_again(void **state)
{
    (void)state;
    struct request_record *record = make("image");
    assert_true(records_decided(records, record, "default", NULL));
    assert_string_equal(record->rule, "default");
    assert_null(record->store);
    records_enter(records, record);
    char rule[] = "large", store[] = "test";
    assert_true(records_decided(records, record, rule, store));
    rule[0] = store[0] = 'x'; /* both are copies */
    assert_string_equal(record->rule, "large");
    assert_string_equal(record->store, "test");
    leave(record, VERDICT_STORED);
    assert_metric("\nglance_intake_uploads_total{result=\"stored\",store=\"test\"} 1\n");
}

static void last_hundred_records_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < RECORDS_FINISHED_KEPT + 5; i++) {
        char image[16];
        snprintf(image, sizeof image, "%d", i);
        leave(make(image), VERDICT_STORED);
    }
    assert_lists(0, RECORDS_FINISHED_KEPT);
    assert_string_equal(LIST_FIRST(&records->finished.rows, struct request_record, place)->image,
                        "104");
    assert_string_equal(LIST_LAST(&records->finished.rows, struct request_record, place)->image,
                        "5");
}

static void half_built_record_is_not_listed(void **state)
{
    (void)state;
    record_free(NULL);
    records_free(NULL);
    struct request_record *record = record_new("req-1", "192.0.2.7", NULL);
    assert_non_null(record);
    assert_null(record->image);
    assert_int_equal(record->verdict, VERDICT_RUNNING);
    record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(record_enters_and_leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_may_leave_without_entering, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_may_be_decided_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(last_hundred_records_are_kept, set_up, tear_down),
        cmocka_unit_test(half_built_record_is_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
