/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_writer.h"

#include "intake/clock.h"
#include "intake/log.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static char got[8 << 20];
static size_t got_count;

static int open_pipe(void **state)
{
    (void)state;
    got_count = 0;
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        return -1;
    log_writer_set_destination(ends[1]);
    return log_begin() ? 0 : -1;
}

static int close_pipe(void **state)
{
    (void)state;
    log_end(5000);
    log_writer_set_destination(STDERR_FILENO);
    close(ends[1]);
    return ends[0] < 0 ? 0 : close(ends[0]);
}

static void read_some(void)
{
    ssize_t count = read(ends[0], got + got_count, sizeof got - 1 - got_count);
    got_count += count > 0 ? (size_t)count : 0;
    got[got_count] = '\0';
}

static void put_line(unsigned number)
{
    char line[128];
    int length =
        snprintf(line, sizeof line, "line %06u %.90s\n", number,
                 "..........................................................................."
                 "...............");
    log_writer_put(line, (size_t)length);
}

/* Numbers in order, each line whole; how many. */
static unsigned count_lines(void)
{
    unsigned count = 0, last = 0;
    for (const char *line = got, *end; (end = strchr(line, '\n')); line = end + 1) {
        unsigned number;
        if (sscanf(line, "line %06u ", &number) != 1)
            continue; /* the log's own message */
        assert_int_equal(end - line, strlen("line 000000 ") + 90);
        assert_true(count == 0 || number > last);
        last = number;
        count++;
    }
    return count;
}

static void lines_come_whole_and_in_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        put_line(i);
    for (uint64_t end = clock_ms() + 30000; count_lines() < 2000 && clock_ms() < end;)
        read_some();
    assert_int_equal(count_lines(), 2000);
}

/* The queue and the pipe are full long before the last one, and no put waits. */
static void stopped_reader_blocks_no_writer(void **state)
{
    (void)state;
    enum { LINES = 40000 };
    uint64_t before = log_lost();
    for (unsigned i = 0; i < LINES; i++)
        put_line(i);
    uint64_t lost = log_lost() - before;
    assert_true(lost > 0 && lost < LINES);
    for (uint64_t end = clock_ms() + 30000; count_lines() + lost < LINES && clock_ms() < end;)
        read_some();
    assert_int_equal(count_lines() + lost, LINES);
    while (!strstr(got, " lines of this log were lost"))
        read_some();
}

static void shutdown_does_not_wait_for_the_reader(void **state)
{
    (void)state;
    uint64_t before = log_lost();
    for (unsigned i = 0; i < 2000; i++)
        put_line(i);
    log_end(200);
    put_line(2000); /* no thread writes it */
    assert_true(log_lost() > before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pipe, close_pipe)
    const struct CMUnitTest tests[] = {
        TEST(lines_come_whole_and_in_order), TEST(stopped_reader_blocks_no_writer),
        TEST(shutdown_does_not_wait_for_the_reader), /* last: its thread is given up */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
