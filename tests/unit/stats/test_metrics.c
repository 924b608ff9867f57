/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c and metrics_text.c together: what is counted is what can be read. */
#include "intake/metrics.h"

#include "intake/buffer.h"
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

enum { WORKERS = 2 };

static struct metrics *metrics[WORKERS];
static struct buffer text;

static int set_up(void **state)
{
    (void)state;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < WORKERS; i++)
        if (!(metrics[i] = metrics_new()))
            return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < WORKERS; i++)
        metrics_free(metrics[i]);
    buffer_free(&text);
    return 0;
}

static void read_all(void)
{
    buffer_clear(&text);
    static const struct metrics_common common = {.spool_bytes = 4711,
                                                 .stores_missing = 2,
                                                 .log_lines_lost = 3,
                                                 .config_taken = true,
                                                 .config_taken_ms = 1700000000123};
    assert_true(metrics_text(metrics, WORKERS, &common, &text));
}

static void assert_line(const char *line)
{
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(buffer_text(&text), whole))
        fail_msg("no \"%s\" in\n%s", line, buffer_text(&text));
}

static void count_upload(int worker, const char *store, enum record_verdict verdict, double seconds)
{
    struct request_record *record = record_new("req-1", "192.0.2.7", "image");
    assert_non_null(record);
    record->store = store ? strdup(store) : NULL;
    record->verdict = verdict;
    record->bytes = 100;
    record->seconds = seconds;
    metrics_upload(metrics[worker], record);
    record_free(record);
}

static void test_everything_is_there_from_the_start(void **state)
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
    assert_line("glance_intake_log_lines_lost_total 3");
    assert_line("glance_intake_config_last_reload_successful 1");
    assert_line("glance_intake_config_last_reload_success_timestamp_seconds 1700000000.123");
}

static void test_workers_sum_up(void **state)
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

static void test_uploads_by_result_and_store(void **state)
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

static void test_fixes_and_warnings(void **state)
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

/* A client's word makes no row. */
static void test_imports_by_method_and_result(void **state)
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

/* Of every door; what was only watched is neither refused nor put right. */
static void test_what_was_only_watched(void **state)
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

static void test_durations(void **state)
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
    assert_line("glance_intake_upload_duration_seconds_sum 100059.300");
    assert_line("glance_intake_upload_duration_seconds_count 4");
}

static void test_labels_are_escaped(void **state)
{
    (void)state;
    count_upload(0, "a\"} 1\nforged{x=\"\\", VERDICT_STORED, 1);
    read_all();
    assert_line("glance_intake_upload_bytes_total{store=\"a\\\"} 1\xEF\xBF\xBD"
                "forged{x=\\\"\\\\\"} 100");
}

/* Made-up names fill half of the rows at most; real stores still get theirs. */
static void test_a_flood_of_names(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "made-up-%d", i);
        count_upload(0, name, VERDICT_REJECTED, 1);
    }
    count_upload(0, "test", VERDICT_STORED, 1);
    char long_name[200];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    count_upload(0, long_name, VERDICT_STORED, 1);
    read_all();
    assert_line("glance_intake_uploads_total{result=\"rejected\",store=\"made-up-15\"} 1");
    assert_line("glance_intake_uploads_total{result=\"rejected\",store=\"other\"} 84");
    assert_line("glance_intake_uploads_total{result=\"stored\",store=\"other\"} 1");
    assert_line("glance_intake_uploads_total{result=\"stored\",store=\"test\"} 1");
    assert_null(strstr(buffer_text(&text), "made-up-16"));
}

static void test_unchecked_stores(void **state)
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

/* Each sample belongs to the family announced last, by HELP and TYPE. */
static void test_families_are_announced(void **state)
{
    (void)state;
    count_upload(0, "test", VERDICT_STORED, 1);
    read_all();
    char family[128] = "";
    size_t families = 0;
    char *rest = text.data;
    for (char *line = strsep(&rest, "\n"); rest; line = strsep(&rest, "\n")) {
        if (sscanf(line, "# HELP %127s", family) == 1) {
            families++;
        } else if (!strncmp(line, "# TYPE ", 7)) {
            assert_memory_equal(line + 7, family, strlen(family));
        } else {
            assert_memory_equal(line, family, strlen(family));
            assert_non_null(strchr("_{ ", line[strlen(family)]));
        }
    }
    assert_int_equal(families, 22);
}

static void test_too_large_for_the_buffer(void **state)
{
    (void)state;
    struct buffer small;
    buffer_init(&small, 100);
    static const struct metrics_common common;
    assert_false(metrics_text(metrics, WORKERS, &common, &small));
    buffer_free(&small);
}

/* For the thread sanitizer: a worker counts, among others in a store that is new, while somebody
 * reads. */
static void *work(void *context)
{
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "store-%d", i / 100);
        count_upload(*(int *)context, name, VERDICT_STORED, 1);
    }
    return NULL;
}

static void test_reading_while_counting(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    int numbers[WORKERS] = {0, 1};
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    for (int i = 0; i < 50; i++)
        read_all();
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    read_all();
    assert_line("glance_intake_uploads_total{result=\"stored\",store=\"store-2\"} 200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_everything_is_there_from_the_start),
        TEST(test_workers_sum_up),
        TEST(test_uploads_by_result_and_store),
        TEST(test_fixes_and_warnings),
        TEST(test_imports_by_method_and_result),
        TEST(test_what_was_only_watched),
        TEST(test_durations),
        TEST(test_labels_are_escaped),
        TEST(test_a_flood_of_names),
        TEST(test_unchecked_stores),
        TEST(test_families_are_announced),
        TEST(test_too_large_for_the_buffer),
        TEST(test_reading_while_counting),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
