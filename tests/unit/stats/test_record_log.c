/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/log.h"
#include "intake/record.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/test-upload-log-XXXXXX";
static char content[8192];

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* The log line of this upload, which is freed. */
static const char *logged(enum log_format format, struct request_record *record)
{
    assert_int_equal(truncate(path, 0), 0);
    assert_true(log_open(format, false, path));
    record_log(record);
    record_free(record);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    (void)fclose(file);
    return content;
}

static struct request_record *make(void)
{
    struct request_record *record = record_new("req-1", "192.0.2.7", "image-1");
    assert_non_null(record);
    return record;
}

static struct request_record *make_full(void)
{
    struct request_record *record = make();
    record->project = strdup("demo");
    record->store = strdup("test");
    record->rule = strdup("default");
    record->fixes = FIX_STORE | FIX_CONTENT_TYPE;
    record->bytes = 21474836480;
    record->seconds = 12.5;
    record->sha512 = strdup("cf83e1");
    record->glance_status = 204;
    record->verdict = VERDICT_STORED;
    return record;
}

static void record_logs_every_field(void **state)
{
    (void)state;
    const char *line = strstr(logged(LOG_FORMAT_TEXT, make_full()), " ");
    assert_non_null(line);
    assert_string_equal(line, " INFO upload request_id=req-1 client=192.0.2.7 project=demo "
                              "image=image-1 store=test rule=default fixes=\"store, content-type\" "
                              "bytes=21474836480 seconds=12.500 sha512=cf83e1 glance_status=204 "
                              "verdict=stored\n");
}

static void trace_id_is_logged(void **state)
{
    (void)state;
    struct request_record *record = make();
    strcpy(record->trace_id, "0af7651916cd43dd8448eb211c80319c");
    record->verdict = VERDICT_STORED;
    assert_non_null(strstr(logged(LOG_FORMAT_TEXT, record),
                           " request_id=req-1 trace_id=0af7651916cd43dd8448eb211c80319c client="));
}

static void warnings_are_logged(void **state)
{
    (void)state;
    struct request_record *record = make_full();
    record->fixes = 0;
    record->warnings = refusal_bit(REFUSAL_DAMAGED_BODY) | refusal_bit(REFUSAL_FORMAT_MISMATCH);
    const char *line = logged(LOG_FORMAT_TEXT, record);
    assert_non_null(
        strstr(line, " rule=default warnings=\"damaged_body, format_mismatch\" bytes="));
}

static void import_and_audit_are_logged(void **state)
{
    (void)state;
    struct request_record *record = make();
    record->kind = RECORD_IMPORT;
    record->method = strdup("web-download");
    record->verdict = VERDICT_ACCEPTED;
    record->audit_fixes = FIX_STORE;
    record->audit_reasons = refusal_bit(REFUSAL_DENIED_BY_POLICY);
    const char *line = logged(LOG_FORMAT_TEXT, record);
    assert_non_null(strstr(line, " INFO import request_id="));
    assert_non_null(strstr(line, " image=image-1 method=web-download "));
    assert_non_null(strstr(line, " audit=\"store, denied_by_policy\" "));
    assert_non_null(strstr(line, " verdict=accepted\n"));
}

static void json_record_is_logged(void **state)
{
    (void)state;
    json_t *line = json_loads(logged(LOG_FORMAT_JSON, make_full()), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "event")), "upload");
    assert_int_equal(json_integer_value(json_object_get(line, "bytes")), 21474836480);
    assert_string_equal(json_string_value(json_object_get(line, "verdict")), "stored");
    assert_null(json_object_get(line, "reason"));
    assert_null(json_object_get(line, "warnings"));
    assert_null(json_object_get(line, "method"));
    assert_null(json_object_get(line, "audit"));
    json_decref(line);
}

static const struct {
    enum record_verdict verdict;
    enum refusal reason;
    const char *level;
    const char *end;
} VERDICTS[] = {
    {VERDICT_STORED, REFUSAL_NONE, " INFO ", "verdict=stored\n"},
    {VERDICT_ACCEPTED, REFUSAL_NONE, " INFO ", "verdict=accepted\n"},
    {VERDICT_REFUSED, REFUSAL_TOO_LARGE, " WARNING ", "verdict=refused reason=too_large\n"},
    {VERDICT_REJECTED, REFUSAL_NONE, " WARNING ", "verdict=rejected\n"},
    {VERDICT_FAILED, REFUSAL_GLANCE_TIMEOUT, " ERROR ", "verdict=failed reason=glance_timeout\n"},
    {VERDICT_ABORTED, REFUSAL_CLIENT_STALLED, " WARNING ",
     "verdict=aborted reason=client_stalled\n"},
};

static void log_level_follows_the_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VERDICTS / sizeof *VERDICTS; i++) {
        struct request_record *record = make();
        record->verdict = VERDICTS[i].verdict;
        record->reason = VERDICTS[i].reason;
        const char *line = logged(LOG_FORMAT_TEXT, record);
        assert_non_null(strstr(line, VERDICTS[i].level));
        assert_non_null(strstr(line, VERDICTS[i].end));
        assert_null(strstr(line, "glance_status"));
    }
}

static void each_action_has_its_own_event(void **state)
{
    (void)state;
    static const struct {
        enum record_kind kind;
        const char *event;
    } ROWS[] = {
        {RECORD_FILE, " INFO upload request_id="},
        {RECORD_STAGE, " INFO stage request_id="},
        {RECORD_IMPORT, " INFO import request_id="},
        {RECORD_LOCATIONS, " INFO locations request_id="},
        {RECORD_TASK, " INFO task request_id="},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct request_record *record = make();
        record->kind = ROWS[i].kind;
        record->verdict = VERDICT_STORED;
        assert_non_null(strstr(logged(LOG_FORMAT_TEXT, record), ROWS[i].event));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_logs_every_field),
        cmocka_unit_test(trace_id_is_logged),
        cmocka_unit_test(warnings_are_logged),
        cmocka_unit_test(import_and_audit_are_logged),
        cmocka_unit_test(json_record_is_logged),
        cmocka_unit_test(log_level_follows_the_verdict),
        cmocka_unit_test(each_action_has_its_own_event),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
