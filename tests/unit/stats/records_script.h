/* SPDX-License-Identifier: Apache-2.0 */
/* The records of two workers, and their rows as JSON. Include after <cmocka.h>. */
#ifndef STATS_RECORDS_SCRIPT_H
#define STATS_RECORDS_SCRIPT_H

#include "intake/buffer.h"
#include "intake/log.h"
#include "intake/metrics.h"
#include "intake/record.h"

#include <jansson.h>
#include <string.h>

enum { WORKERS = 2 };

static struct metrics *metrics[WORKERS];
static struct records *records[WORKERS];

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        metrics[i] = metrics_new();
        records[i] = metrics[i] ? records_new(metrics[i]) : NULL;
        if (!records[i])
            return -1;
    }
    return log_open(LOG_FORMAT_TEXT, false, "/dev/null") ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        records_free(records[i]);
        metrics_free(metrics[i]);
    }
    return 0;
}

/* With every fact set; it began `age_ms` ago. */
static struct request_record *make(const char *image, uint64_t age_ms)
{
    struct request_record *upload = record_new("req-1", "192.0.2.7", image);
    assert_non_null(upload);
    upload->began_ms -= age_ms;
    upload->began_wall_ms = 1769860800000;
    assert_true(record_describe_image(upload, "demo", "an image"));
    upload->store = strdup("test");
    upload->rule = strdup("default");
    upload->fixes = FIX_STORE | FIX_CONTENT_TYPE;
    upload->size_known = true;
    upload->size = 1000;
    upload->bytes = 500;
    upload->spooled = 700;
    upload->step = "relay";
    return upload;
}

/* `image` NULL: of all images. */
static json_t *read_json_of(const char *image)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    assert_true(image ? records_json_of_image(records, WORKERS, image, &text)
                      : records_json(records, WORKERS, &text));
    json_t *document = json_loads(buffer_text(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    buffer_free(&text);
    return document;
}

static json_t *read_json(void)
{
    return read_json_of(NULL);
}

static json_t *row_of(const json_t *document, const char *list, size_t index)
{
    json_t *row = json_array_get(json_object_get(document, list), index);
    assert_non_null(row);
    return row;
}

static void assert_text(const json_t *row, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(row, key));
    assert_non_null(text);
    assert_string_equal(text, wanted);
}

#endif
