/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/kept_reader.h"

#include "intake/kept_upload.h"
#include "intake/loop.h"
#include "intake/thread_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 700 * 1000 };

static struct thread_pool *thread_pool;
static struct loop *loop;
static char *content;
static int file;
static unsigned woken;

static void wake(void *context)
{
    assert_ptr_equal(context, content);
    woken++;
}

static int set_up(void **state)
{
    (void)state;
    thread_pool = thread_pool_new(1);
    loop = loop_new();
    file = memfd_create("kept", MFD_CLOEXEC);
    content = malloc(SIZE);
    for (size_t i = 0; content && i < SIZE; i++)
        content[i] = (char)(i * 7 + i / 255);
    bool good = thread_pool && loop && file >= 0 && content;
    return good && write(file, content, SIZE) == SIZE ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    thread_pool_settle(thread_pool, loop);
    thread_pool_free(thread_pool);
    loop_free(loop);
    close(file);
    free(content);
    return 0;
}

static struct kept_reader *make_reader(void)
{
    const struct kept_plan plan = {
        .thread_pool = thread_pool, .loop = loop, .wake = wake, .context = content};
    struct kept_reader *reader = kept_reader_new(&plan, file);
    assert_non_null(reader);
    woken = 0;
    return reader;
}

/* Waits once at most. */
static enum kept_read read_at(struct kept_reader *reader, uint64_t at, const char **bytes,
                              size_t *count)
{
    size_t wanted = *count;
    unsigned before = woken;
    enum kept_read got = kept_reader_bytes(reader, at, bytes, count);
    if (got != KEPT_READ_WAIT)
        return got;
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(woken, before + 1);
    *count = wanted;
    return kept_reader_bytes(reader, at, bytes, count);
}

static void read_from(struct kept_reader *reader, uint64_t at, size_t at_once)
{
    while (at < SIZE) {
        const char *bytes;
        size_t count = at_once;
        assert_int_equal(read_at(reader, at, &bytes, &count), KEPT_READ_GOOD);
        assert_true(count > 0 && count <= at_once && count <= SIZE - at);
        assert_memory_equal(bytes, content + at, count);
        at += count;
    }
}

static void any_place_and_any_count(void **state)
{
    (void)state;
    static const uint64_t places[] = {0, 1, 262143, 262144, 500000, SIZE - 1};
    static const size_t counts[] = {1009, 65536, SIZE};
    struct kept_reader *reader = make_reader();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++)
            read_from(reader, places[i], counts[j]);
    kept_reader_free(reader);
}

static void one_job_runs_at_a_time(void **state)
{
    (void)state;
    const char *bytes;
    size_t count = 10;
    struct kept_reader *reader = make_reader();
    assert_int_equal(kept_reader_bytes(reader, 5, &bytes, &count), KEPT_READ_WAIT);
    assert_int_equal(kept_reader_bytes(reader, 500000, &bytes, &count), KEPT_READ_WAIT);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(woken, 1);
    assert_int_equal(kept_reader_bytes(reader, 5, &bytes, &count), KEPT_READ_GOOD);
    assert_memory_equal(bytes, content + 5, 10);
    kept_reader_free(reader);
}

static void shorter_file_is_an_error(void **state)
{
    (void)state;
    const char *bytes;
    size_t count = 10;
    struct kept_reader *reader = make_reader();
    for (int i = 0; i < 2; i++)
        assert_int_equal(read_at(reader, SIZE, &bytes, &count), KEPT_READ_FAILED);
    kept_reader_free(reader);
}

/* Its owner is not woken; the sanitizers find leaks and use after free. */
static void reader_may_be_freed_while_it_reads(void **state)
{
    (void)state;
    const char *bytes;
    size_t count = 10;
    struct kept_reader *reader = make_reader();
    assert_int_equal(kept_reader_bytes(reader, 0, &bytes, &count), KEPT_READ_WAIT);
    kept_reader_free(reader);
    thread_pool_settle(thread_pool, loop);
    assert_int_equal(woken, 0);
    kept_reader_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(any_place_and_any_count),
        TEST(one_job_runs_at_a_time),
        TEST(shorter_file_is_an_error),
        TEST(reader_may_be_freed_while_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
