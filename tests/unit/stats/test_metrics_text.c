/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the metrics: labels, families, limits. */
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

static void labels_are_escaped(void **state)
{
    (void)state;
    count_upload(0, "a\"} 1\nforged{x=\"\\", VERDICT_STORED, 1);
    read_all();
    assert_line("glance_intake_upload_bytes_total{store=\"a\\\"} 1\xEF\xBF\xBD"
                "forged{x=\\\"\\\\\"} 100");
}

/* Made-up names fill half of the rows at most; real stores still get theirs. */
static void store_labels_have_a_maximum(void **state)
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

/* Each sample belongs to the family announced last, by HELP and TYPE. */
static void families_have_help_and_type(void **state)
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
    assert_int_equal(families, 36);
}

static void text_too_large_for_the_buffer_fails(void **state)
{
    (void)state;
    struct buffer small;
    buffer_init(&small, 100);
    static const struct metrics_common common;
    assert_false(metrics_text(metrics, WORKERS, &common, &small));
    buffer_free(&small);
}

/* For the thread sanitizer: a worker counts, also for a new store, during the reading. */
static void *work(void *context)
{
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "store-%d", i / 100);
        count_upload(*(int *)context, name, VERDICT_STORED, 1);
    }
    return NULL;
}

static void metrics_can_be_read_while_counting(void **state)
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
        TEST(labels_are_escaped),
        TEST(store_labels_have_a_maximum),
        TEST(families_have_help_and_type),
        TEST(text_too_large_for_the_buffer_fails),
        TEST(metrics_can_be_read_while_counting),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
