/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/metrics.h"
#include "intake/record.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_text.h"

static void all_metrics_exist_from_the_start(void **state)
{
    (void)state;
    read_all();
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        char line[128];
        snprintf(line, sizeof line, "glance_intake_refusals_total{reason=\"%s\"} 0",
                 refusal_row((enum refusal)i)->name);
        assert_line(line);
    }
    assert_line("glance_intake_build_info{version=\"" INTAKE_VERSION "\"} 1");
    assert_line("glance_intake_requests_total{class=\"5xx\"} 0");
    assert_line("glance_intake_upload_duration_seconds_count 0");
    assert_line("glance_intake_spool_bytes 4711");
    assert_line("glance_intake_hashing_seconds_total 1.500000");
    assert_line("glance_intake_log_lines_lost_total 3");
    assert_line("glance_intake_config_last_reload_successful 1");
    assert_line("glance_intake_config_last_reload_success_timestamp_seconds 1700000000.123");
}

static void metrics_of_workers_are_added(void **state)
{
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        metrics_answered(metrics[i], 204);
        metrics_answered(metrics[i], 409);
        metrics_answered(metrics[i], 999); /* nonsense counts nowhere */
        metrics_refused(metrics[i], REFUSAL_TOO_LARGE);
        metrics_bytes(metrics[i], 1000, 10);
    }
    metrics_gauge_add(metrics[0], METRICS_CONNECTIONS, 5);
    metrics_gauge_add(metrics[1], METRICS_CONNECTIONS, 3);
    metrics_gauge_add(metrics[1], METRICS_CONNECTIONS, -1);
    metrics_gauge_add(metrics[1], METRICS_REQUESTS_IN_FLIGHT, 4);
    read_all();
    assert_line("glance_intake_requests_total{class=\"2xx\"} 2");
    assert_line("glance_intake_requests_total{class=\"4xx\"} 2");
    assert_line("glance_intake_requests_total{class=\"5xx\"} 0");
    assert_line("glance_intake_refusals_total{reason=\"too_large\"} 2");
    assert_line("glance_intake_bytes_total{direction=\"to_glance\"} 2000");
    assert_line("glance_intake_bytes_total{direction=\"from_glance\"} 20");
    assert_line("glance_intake_connections 7");
    assert_line("glance_intake_requests_in_flight 4");
}

static void uploads_are_counted_by_result_and_store(void **state)
{
    (void)state;
    count_upload(0, "file", VERDICT_STORED, 1);
    count_upload(0, "test", VERDICT_STORED, 1);
    count_upload(1, "test", VERDICT_STORED, 1);
    count_upload(1, "test", VERDICT_FAILED, 1);
    count_upload(1, NULL, VERDICT_REFUSED, 1);
    read_all();
    assert_line("glance_intake_uploads_total{result=\"stored\",store=\"file\"} 1");
    assert_line("glance_intake_uploads_total{result=\"stored\",store=\"test\"} 2");
    assert_line("glance_intake_uploads_total{result=\"failed\",store=\"test\"} 1");
    assert_line("glance_intake_uploads_total{result=\"refused\",store=\"none\"} 1");
    assert_line("glance_intake_upload_bytes_total{store=\"test\"} 300");
}

static void fixes_and_warnings_are_counted(void **state)
{
    (void)state;
    static const unsigned FIXES[] = {0, FIX_STORE, FIX_STORE | FIX_LENGTH, FIX_MULTIPART};
    for (size_t i = 0; i < sizeof FIXES / sizeof *FIXES; i++) {
        struct request_record *record = record_new("req-1", "192.0.2.7", "image");
        assert_non_null(record);
        record->verdict = VERDICT_STORED;
        record->fixes = FIXES[i];
        metrics_upload(metrics[i % WORKERS], record);
        record_free(record);
    }
    metrics_warned(metrics[0], REFUSAL_FORMAT_MISMATCH);
    metrics_warned(metrics[1], REFUSAL_FORMAT_MISMATCH);
    read_all();
    assert_line("glance_intake_fixes_total{fix=\"store\"} 2");
    assert_line("glance_intake_fixes_total{fix=\"content-type\"} 0");
    assert_line("glance_intake_fixes_total{fix=\"multipart\"} 1");
    assert_line("glance_intake_fixes_total{fix=\"length\"} 1");
    assert_line("glance_intake_warnings_total{reason=\"format_mismatch\"} 2");
    assert_line("glance_intake_warnings_total{reason=\"damaged_body\"} 0");
    assert_line("glance_intake_refusals_total{reason=\"format_mismatch\"} 0");
}

static void count_import(int worker, const char *method, enum record_verdict verdict)
{
    struct request_record *record = record_new("req-1", "192.0.2.7", "image");
    assert_non_null(record);
    record->kind = RECORD_IMPORT;
    record->method = method ? strdup(method) : NULL;
    record->store = strdup("imported");
    record->verdict = verdict;
    record->fixes = FIX_STORE;
    record->seconds = 1;
    metrics_upload(metrics[worker], record);
    record_free(record);
}

/* A client's text creates no row. */
static void imports_are_counted_by_method_and_result(void **state)
{
    (void)state;
    count_import(0, "web-download", VERDICT_ACCEPTED);
    count_import(1, "web-download", VERDICT_ACCEPTED);
    count_import(1, "copy-image", VERDICT_REJECTED);
    count_import(1, "made-up", VERDICT_REFUSED);
    count_import(1, "other", VERDICT_REFUSED);
    count_import(1, NULL, VERDICT_REFUSED);
    read_all();
    assert_line("glance_intake_imports_total{method=\"web-download\",result=\"accepted\"} 2");
    assert_line("glance_intake_imports_total{method=\"copy-image\",result=\"rejected\"} 1");
    assert_line("glance_intake_imports_total{method=\"other\",result=\"refused\"} 3");
    assert_line("glance_intake_imports_total{method=\"glance-direct\",result=\"accepted\"} 0");
    assert_line("glance_intake_imports_total{method=\"glance-download\",result=\"failed\"} 0");
    assert_line("glance_intake_fixes_total{fix=\"store\"} 6");
    assert_line("glance_intake_upload_duration_seconds_count 0");
    assert_null(strstr(buffer_text(&text), "store=\"imported\""));
    assert_null(strstr(buffer_text(&text), "made-up"));
    assert_null(strstr(buffer_text(&text), "uploads_total{result=\"accepted\""));
    assert_null(strstr(buffer_text(&text), "result=\"stored\"} "));
}

/* All actions are counted; audited findings count neither as refused nor as fixed. */
static void audited_uploads_are_counted(void **state)
{
    (void)state;
    for (int kind = RECORD_FILE; kind <= RECORD_TASK; kind++) {
        struct request_record *record = record_new("req-1", "192.0.2.7", "image");
        assert_non_null(record);
        record->kind = (enum record_kind)kind;
        record->verdict = VERDICT_STORED;
        record->audit_fixes = FIX_STORE | FIX_LENGTH;
        record->audit_reasons = refusal_bit(REFUSAL_DENIED_BY_POLICY);
        metrics_upload(metrics[kind % WORKERS], record);
        record_free(record);
    }
    read_all();
    assert_line("glance_intake_audited_total{what=\"store\"} 5");
    assert_line("glance_intake_audited_total{what=\"length\"} 5");
    assert_line("glance_intake_audited_total{what=\"content-type\"} 0");
    assert_line("glance_intake_audited_total{what=\"denied_by_policy\"} 5");
    assert_line("glance_intake_audited_total{what=\"damaged_body\"} 0");
    assert_line("glance_intake_fixes_total{fix=\"store\"} 0");
    assert_line("glance_intake_refusals_total{reason=\"denied_by_policy\"} 0");
    assert_line("glance_intake_uploads_total{result=\"stored\",store=\"none\"} 2");
}

/* The bounds are exact, and a value that equals one is in its bucket. */
static void sizes_are_in_buckets(void **state)
{
    (void)state;
    metrics_observe(metrics[0], METRICS_UPLOAD_SIZE, 1 << 20);
    metrics_observe(metrics[1], METRICS_UPLOAD_SIZE, (1 << 20) + 1);
    metrics_observe(metrics[0], METRICS_UPLOAD_SIZE, UINT64_C(2) << 40);
    metrics_observe(metrics[0], METRICS_REQUEST_SIZE, 300);
    metrics_observe(metrics[0], METRICS_REQUEST_DURATION, 25);
    read_all();
    assert_line("glance_intake_upload_size_bytes_bucket{le=\"1048576\"} 1");
    assert_line("glance_intake_upload_size_bytes_bucket{le=\"16777216\"} 2");
    assert_line("glance_intake_upload_size_bytes_bucket{le=\"1099511627776\"} 2");
    assert_line("glance_intake_upload_size_bytes_bucket{le=\"+Inf\"} 3");
    assert_line("glance_intake_upload_size_bytes_sum 2199025352705");
    assert_line("glance_intake_request_size_bytes_bucket{le=\"256\"} 0");
    assert_line("glance_intake_request_size_bytes_bucket{le=\"1024\"} 1");
    assert_line("glance_intake_request_duration_seconds_bucket{le=\"0.025\"} 1");
    assert_line("glance_intake_request_duration_seconds_sum 0.025");
}

static void durations_are_in_buckets(void **state)
{
    (void)state;
    count_upload(0, "test", VERDICT_STORED, 0.1); /* the bound belongs to its bucket */
    count_upload(0, "test", VERDICT_STORED, 0.2);
    count_upload(1, "test", VERDICT_STORED, 59);
    count_upload(1, "test", VERDICT_STORED, 100000);
    count_upload(1, "test", VERDICT_REFUSED, 0.01); /* would make storing look fast */
    read_all();
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"0.1\"} 1");
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"0.5\"} 2");
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"30\"} 2");
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"60\"} 3");
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"7200\"} 3");
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"+Inf\"} 4");
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"2.5\"} 2");
    assert_line("glance_intake_upload_duration_seconds_bucket{le=\"21600\"} 3");
    assert_line("glance_intake_upload_duration_seconds_sum 100059.3");
    assert_line("glance_intake_upload_duration_seconds_count 4");
}

static void unchecked_stores_are_counted(void **state)
{
    (void)state;
    count_upload(0, "test", VERDICT_STORED, 1);
    metrics_store_unchecked(metrics[0], "test");
    metrics_store_unchecked(metrics[1], "test");
    metrics_store_unchecked(metrics[1], "file");
    read_all();
    assert_line("glance_intake_store_checks_failed_total{store=\"test\"} 2");
    assert_line("glance_intake_store_checks_failed_total{store=\"file\"} 1");
    assert_line("glance_intake_store_checks_failed_total{store=\"other\"} 0");
    assert_line("glance_intake_stores_missing 2");
}

/* Each worker has its own invented names, and only the last one has stored something. */
static void invented_names_of_all_workers_displace_no_store(void **state)
{
    (void)state;
    for (int worker = 0; worker < WORKERS; worker++)
        for (int i = 0; i < 64; i++) {
            char name[32];
            snprintf(name, sizeof name, "invented-%d-%d", worker, i);
            count_upload(worker, name, VERDICT_FAILED, 1);
        }
    count_upload(WORKERS - 1, "real", VERDICT_STORED, 1);
    read_all();
    assert_line("glance_intake_uploads_total{result=\"stored\",store=\"real\"} 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(all_metrics_exist_from_the_start),
        TEST(metrics_of_workers_are_added),
        TEST(uploads_are_counted_by_result_and_store),
        TEST(fixes_and_warnings_are_counted),
        TEST(imports_are_counted_by_method_and_result),
        TEST(audited_uploads_are_counted),
        TEST(durations_are_in_buckets),
        TEST(sizes_are_in_buckets),
        TEST(unchecked_stores_are_counted),
        TEST(invented_names_of_all_workers_displace_no_store),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
