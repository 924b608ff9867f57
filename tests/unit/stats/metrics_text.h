/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of some workers, and their text. Include after <cmocka.h>. */
#ifndef STATS_METRICS_TEXT_H
#define STATS_METRICS_TEXT_H

#include "intake/buffer.h"
#include "intake/metrics.h"
#include "intake/record.h"

enum { WORKERS = 2 };

static struct metrics *metrics[WORKERS];
static struct buffer text;

static inline int set_up(void **state)
{
    (void)state;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < WORKERS; i++)
        if (!(metrics[i] = metrics_new()))
            return -1;
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < WORKERS; i++)
        metrics_free(metrics[i]);
    buffer_free(&text);
    return 0;
}

static inline void read_all(void)
{
    buffer_clear(&text);
    static const struct metrics_common common = {.spool_bytes = 4711,
                                                 .hashing_ns = 1500000000,
                                                 .stores_missing = 2,
                                                 .log_lines_lost = 3,
                                                 .config_taken = true,
                                                 .config_taken_ms = 1700000000123};
    assert_true(metrics_text(metrics, WORKERS, &common, &text));
}

static inline void assert_line(const char *line)
{
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(buffer_text(&text), whole))
        fail_msg("no \"%s\" in\n%s", line, buffer_text(&text));
}

static inline void count_upload(int worker, const char *store, enum record_verdict verdict,
                                double seconds)
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

#endif
