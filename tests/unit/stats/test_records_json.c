/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "records_script.h"

static void upload_in_flight_is_listed(void **state)
{
    (void)state;
    struct request_record *upload = make("image", 10000);
    records_enter(records[0], upload);
    upload->warnings |= refusal_bit(REFUSAL_UNSAFE_FORMAT);
    json_t *document = read_json();
    const json_t *row = row_of(document, "in_flight", 0);
    assert_text(row, "request_id", "req-1");
    assert_text(row, "began", "2026-01-31T12:00:00Z");
    assert_text(row, "client", "192.0.2.7");
    assert_text(row, "project", "demo");
    assert_text(row, "image", "image");
    assert_text(row, "name", "an image");
    assert_text(row, "store", "test");
    assert_text(row, "rule", "default");
    assert_text(row, "step", "relay");
    assert_int_equal(json_integer_value(json_object_get(row, "size")), 1000);
    assert_int_equal(json_integer_value(json_object_get(row, "bytes")), 500);
    assert_in_range(json_integer_value(json_object_get(row, "bytes_per_second")), 20, 50);
    assert_in_range((int)json_real_value(json_object_get(row, "age")), 10, 25);
    assert_int_equal(json_integer_value(json_object_get(row, "spooled")), 700);
    assert_null(json_object_get(row, "fixes")); /* the worker may be about to write it */
    assert_text(row, "warnings", "unsafe_format");
    assert_null(json_object_get(row, "verdict"));
    json_decref(document);
    upload->verdict = VERDICT_STORED;
    records_leave(records[0], upload);
}

static void finished_upload_is_listed(void **state)
{
    (void)state;
    struct request_record *upload = make("image", 10000);
    upload->verdict = VERDICT_FAILED;
    upload->reason = REFUSAL_GLANCE_FAILED;
    upload->warnings = refusal_bit(REFUSAL_UNSAFE_FORMAT);
    upload->audit_fixes = FIX_STORE;
    upload->audit_reasons = refusal_bit(REFUSAL_EMPTY_BODY);
    upload->size_known = false;
    records_leave(records[0], upload);
    json_t *document = read_json();
    const json_t *row = row_of(document, "finished", 0);
    assert_text(row, "verdict", "failed");
    assert_text(row, "reason", "glance_failed");
    assert_text(row, "fixes", "store, content-type");
    assert_text(row, "warnings", "unsafe_format");
    assert_text(row, "audit", "store, empty_body");
    assert_text(row, "door", "upload");
    assert_true(json_is_null(json_object_get(row, "method")));
    assert_null(json_object_get(row, "spooled"));
    assert_true(json_is_null(json_object_get(row, "size")));
    assert_true(json_is_null(json_object_get(row, "glance_status")));
    assert_true(json_is_null(json_object_get(row, "sha512")));
    assert_in_range((int)json_real_value(json_object_get(row, "seconds")), 10, 25);
    json_decref(document);
}

static void empty_records_give_empty_lists(void **state)
{
    (void)state;
    struct request_record *upload = make("image", 0);
    upload->fixes = 0;
    records_leave(records[0], upload);
    json_t *document = read_json();
    const json_t *row = row_of(document, "finished", 0);
    assert_true(json_is_null(json_object_get(row, "fixes")));
    assert_true(json_is_null(json_object_get(row, "warnings")));
    assert_true(json_is_null(json_object_get(row, "audit")));
    json_decref(document);
}

static void import_record_has_its_stores(void **state)
{
    (void)state;
    struct request_record *upload = make("image", 0);
    upload->kind = RECORD_IMPORT;
    upload->method = strdup("copy-image");
    upload->verdict = VERDICT_ACCEPTED;
    records_leave(records[0], upload);
    json_t *document = read_json();
    const json_t *row = row_of(document, "finished", 0);
    assert_text(row, "door", "import");
    assert_text(row, "method", "copy-image");
    assert_text(row, "verdict", "accepted");
    json_decref(document);
}

static void newest_records_of_all_workers_come_first(void **state)
{
    (void)state;
    static const struct {
        const char *image;
        uint64_t age_ms;
    } MADE[] = {{"4", 4000}, {"1", 1000}, {"3", 3000}, {"2", 2000}};
    struct request_record *made[4];
    for (size_t i = 0; i < 4; i++) {
        made[i] = make(MADE[i].image, MADE[i].age_ms);
        records_enter(records[i % WORKERS], made[i]);
    }
    json_t *document = read_json();
    assert_text(row_of(document, "in_flight", 0), "image", "1");
    assert_text(row_of(document, "in_flight", 1), "image", "2");
    assert_text(row_of(document, "in_flight", 2), "image", "3");
    assert_text(row_of(document, "in_flight", 3), "image", "4");
    json_decref(document);
    for (size_t i = 0; i < 4; i++)
        records_leave(records[i % WORKERS], made[i]);
}

/* The last hundred of the program, not of each worker. */
static void a_hundred_records_of_all_workers_are_listed(void **state)
{
    (void)state;
    for (int i = 0; i < 150; i++)
        records_leave(records[i % WORKERS], make("image", 0));
    json_t *document = read_json();
    assert_int_equal(json_array_size(json_object_get(document, "finished")), RECORDS_FINISHED_KEPT);
    json_decref(document);
}

/* A worker writes during the reading: for the thread sanitizer. */
static void *work(void *context)
{
    for (int i = 0; i < 300; i++) {
        struct request_record *upload = make("image", 0);
        records_enter(context, upload);
        for (int k = 0; k < 10; k++) {
            upload->bytes += 100;
            upload->spooled += 100;
            records_decided(context, upload, "default", k % 2 ? "test" : NULL);
            upload->step = "relay";
            upload->warnings |= refusal_bit(REFUSAL_TRUNCATED);
        }
        upload->verdict = VERDICT_STORED;
        upload->glance_status = 204;
        upload->fixes = FIX_LENGTH;
        upload->sha512 = strdup("cf83");
        records_leave(context, upload);
    }
    return NULL;
}

static void records_can_be_read_while_another_thread_writes(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, records[i]), 0);
    for (int i = 0; i < 50; i++)
        json_decref(read_json());
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    json_t *document = read_json();
    assert_int_equal(json_array_size(json_object_get(document, "in_flight")), 0);
    assert_int_equal(json_array_size(json_object_get(document, "finished")), RECORDS_FINISHED_KEPT);
    json_decref(document);
}

static size_t count_of(const json_t *document, const char *list)
{
    return json_array_size(json_object_get(document, list));
}

/* In the lists of all workers, but without the client's address. */
static void one_image_has_only_its_own_records(void **state)
{
    (void)state;
    struct request_record *running = make("a", 1000);
    struct request_record *other = make("ab", 2000);
    struct request_record *ended = make("A", 3000);
    records_enter(records[0], running);
    records_enter(records[0], other);
    ended->verdict = VERDICT_STORED;
    records_leave(records[1], ended);
    json_t *document = read_json_of("a");
    assert_int_equal(count_of(document, "in_flight"), 1);
    assert_int_equal(count_of(document, "finished"), 1);
    assert_null(json_object_get(row_of(document, "in_flight", 0), "client"));
    assert_int_equal(json_integer_value(json_object_get(row_of(document, "in_flight", 0), "bytes")),
                     500);
    json_decref(document);
    document = read_json_of("b");
    assert_int_equal(count_of(document, "in_flight") + count_of(document, "finished"), 0);
    json_decref(document);
    running->verdict = other->verdict = VERDICT_ABORTED;
    records_leave(records[0], running);
    records_leave(records[0], other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(upload_in_flight_is_listed),
        TEST(finished_upload_is_listed),
        TEST(empty_records_give_empty_lists),
        TEST(import_record_has_its_stores),
        TEST(newest_records_of_all_workers_come_first),
        TEST(a_hundred_records_of_all_workers_are_listed),
        TEST(one_image_has_only_its_own_records),
        TEST(records_can_be_read_while_another_thread_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
