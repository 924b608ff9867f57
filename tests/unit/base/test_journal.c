/* SPDX-License-Identifier: Apache-2.0 */
/* The log under systemd. sd_journal_sendv() is replaced: it keeps what it is sent. */
#include "intake/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char text[8192]; /* the fields, with "; " behind each */
    unsigned entries;
    bool blocked;
    int result;
} journal = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int sd_journal_sendv(const struct iovec *fields, int count);

/* The linker takes this function instead of libsystemd's. */
int sd_journal_sendv(const struct iovec *fields, int count)
{
    pthread_mutex_lock(&journal.lock);
    while (journal.blocked)
        pthread_cond_wait(&journal.changed, &journal.lock);
    for (int i = 0; i < count; i++) {
        size_t length = strlen(journal.text);
        snprintf(journal.text + length, sizeof journal.text - length, "%.*s; ",
                 (int)fields[i].iov_len, (const char *)fields[i].iov_base);
    }
    journal.entries++;
    pthread_cond_broadcast(&journal.changed);
    pthread_mutex_unlock(&journal.lock);
    return journal.result;
}

static void set_stream(long long more)
{
    struct stat status;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino + (unsigned long long)more);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
}

static int begin(void **state)
{
    (void)state;
    set_stream(0);
    journal.text[0] = '\0';
    journal.entries = 0;
    journal.result = 0;
    return log_open(LOG_FORMAT_TEXT, false, NULL) ? 0 : -1;
}

static void message_has_a_priority_and_no_time(void **state)
{
    (void)state;
    log_say(LOG_LEVEL_ERROR, "no store %s", "a\nb");
    log_say(LOG_LEVEL_WARNING, "w");
    log_say(LOG_LEVEL_INFO, "i");
    log_say(LOG_LEVEL_DEBUG, "not wanted");
    assert_string_equal(journal.text, "PRIORITY=3; MESSAGE=no store a\\nb; PRIORITY=4; MESSAGE=w; "
                                      "PRIORITY=6; MESSAGE=i; ");
}

static void request_is_in_fields(void **state)
{
    (void)state;
    const struct log_subject subject = {.request_id = "req-1", .trace_id = "4bf9", .image = "id"};
    log_say_about(LOG_LEVEL_WARNING, &subject, "Glance: gone");
    assert_string_equal(journal.text,
                        "PRIORITY=4; INTAKE_REQUEST_ID=req-1; INTAKE_TRACE_ID=4bf9; "
                        "INTAKE_IMAGE=id; MESSAGE=req-1: Glance: gone trace_id=4bf9; ");
}

static void event_has_the_fields_that_are_documented(void **state)
{
    (void)state;
    const struct log_field fields[] = {{.name = "request_id", .text = "req-1"},
                                       {.name = "project", .text = "demo\x1f\x1e\n"},
                                       {.name = "image", .text = "id"},
                                       {.name = "store", .text = "test"},
                                       {.name = "bytes", .is_number = true, .number = 5},
                                       {.name = "trace_id", .text = NULL},
                                       {.name = "reason", .text = "too_large"}};
    log_event(LOG_LEVEL_INFO, "upload", fields, sizeof fields / sizeof *fields);
    assert_string_equal(journal.text, "PRIORITY=6; INTAKE_REQUEST_ID=req-1; "
                                      "INTAKE_PROJECT=demo\\x1f\\x1e\\n; INTAKE_IMAGE=id; "
                                      "INTAKE_REASON=too_large; MESSAGE=upload request_id=req-1 "
                                      "project=demo\\x1f\\x1e\\n image=id store=test bytes=5 "
                                      "reason=too_large; ");
}

static void json_stays_whole(void **state)
{
    (void)state;
    assert_true(log_open(LOG_FORMAT_JSON, false, NULL));
    log_say(LOG_LEVEL_INFO, "hello");
    assert_non_null(strstr(journal.text, "PRIORITY=6; MESSAGE={\"time\": \""));
    assert_non_null(strstr(journal.text, "\"level\": \"info\", \"message\": \"hello\"}; "));
}

/* A child process may inherit the variable, and have another standard error. */
static void another_standard_error_is_no_journal(void **state)
{
    (void)state;
    set_stream(1);
    assert_true(log_open(LOG_FORMAT_TEXT, false, NULL));
    log_say(LOG_LEVEL_INFO, "to standard error");
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    assert_true(log_open(LOG_FORMAT_TEXT, false, NULL));
    log_say(LOG_LEVEL_INFO, "to standard error");
    assert_int_equal(journal.entries, 0);
}

static void lost_entries_are_counted(void **state)
{
    (void)state;
    uint64_t before = log_lost();
    journal.result = -1;
    log_say(LOG_LEVEL_INFO, "lost");
    assert_int_equal(log_lost(), before + 1);
}

/* Long values never displace the message. */
static void long_entries_are_cut(void **state)
{
    (void)state;
    char value[4000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (size_t length = sizeof value - 1; length > 3000; length -= 7) {
        const struct log_field fields[] = {{.name = "project", .text = value},
                                           {.name = "image", .text = "id"}};
        value[length] = '\0';
        journal.text[0] = '\0';
        log_event(LOG_LEVEL_INFO, "upload", fields, 2);
        assert_memory_equal(journal.text, "PRIORITY=6; INTAKE_IMAGE=id; MESSAGE=upload", 43);
    }
}

/* A journal that hangs blocks the writing thread only. What was queued for it goes to it, and what
 * comes after a reload to the file. */
static void busy_journal_blocks_nobody(void **state)
{
    (void)state;
    char path[] = "/tmp/test-journal-XXXXXX", content[256] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    journal.blocked = true;
    assert_true(log_begin());
    for (int i = 0; i < 3; i++)
        log_say(LOG_LEVEL_INFO, "line %d", i);
    assert_true(log_open(LOG_FORMAT_TEXT, false, path));
    log_say(LOG_LEVEL_INFO, "to the file");
    pthread_mutex_lock(&journal.lock);
    assert_int_equal(journal.entries, 0);
    journal.blocked = false;
    pthread_cond_broadcast(&journal.changed);
    while (journal.entries < 3)
        pthread_cond_wait(&journal.changed, &journal.lock);
    pthread_mutex_unlock(&journal.lock);
    log_end(60000);
    assert_non_null(strstr(journal.text, "MESSAGE=line 0; PRIORITY=6; MESSAGE=line 1; "));
    assert_true(read(fd, content, sizeof content - 1) > 0);
    assert_non_null(strstr(content, "Z INFO to the file\n"));
    assert_null(strstr(content, "line 0"));
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(message_has_a_priority_and_no_time, begin),
        cmocka_unit_test_setup(request_is_in_fields, begin),
        cmocka_unit_test_setup(event_has_the_fields_that_are_documented, begin),
        cmocka_unit_test_setup(json_stays_whole, begin),
        cmocka_unit_test_setup(another_standard_error_is_no_journal, begin),
        cmocka_unit_test_setup(lost_entries_are_counted, begin),
        cmocka_unit_test_setup(long_entries_are_cut, begin),
        cmocka_unit_test_setup(busy_journal_blocks_nobody, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
