/* SPDX-License-Identifier: Apache-2.0 */
/* The table of refusals against the contract's statuses (below) and the table of config/README.md.
 */
#include "intake/refusal.h"

#include "intake/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Scripts rely on these. */
static const struct {
    const char *name;
    unsigned status;
} PROMISED[] = {
    {"image_not_queued", 409},
    {"upload_in_progress", 409},
    {"formats_unset", 400},
    {"wrong_method", 405},
    {"empty_body", 400},
    {"content_range", 400},
    {"content_encoding", 400},
    {"damaged_body", 400},
    {"format_mismatch", 400},
    {"unsafe_format", 400},
    {"format_unknown", 400},
    {"multipart_malformed", 400},
    {"size_mismatch", 400},
    {"bad_request", 400},
    {"digest_mismatch", 400},
    {"store_not_allowed", 403},
    {"denied_by_policy", 403},
    {"store_unknown", 503},
    {"length_required", 411},
    {"too_large", 413},
    {"quota_exceeded", 413},
    {"store_full", 413},
    {"unsupported_content_type", 415},
    {"client_stalled", 408},
    {"glance_unreachable", 502},
    {"glance_failed", 502},
    {"verify_failed", 502},
    {"glance_timeout", 504},
    {"draining", 503},
    {"too_many_uploads", 429},
    {"loop_detected", 508},
    {"too_many_connections", 503},
    {"spool_full", 507},
    {"json_malformed", 400},
    {"json_too_long", 413},
    {"truncated", 400},
    {"target_too_long", 414},
    {"head_too_long", 431},
    {"http_version", 505},
    {"compressed", 400},
    {"out_of_memory", 503},
    {"plain_http", 400},
    {"offset_mismatch", 409},
    {"upload_moving", 423},
    {"upload_not_held", 404},
    {"tus_version", 412},
    {"certificate_required", 403},
    {"password_over_plain_http", 403},
    {"login_required", 401},
    {"login_failed", 401},
    {"project_required", 400},
    {"too_many_failed_logins", 429},
    {"keystone_unreachable", 503},
};

static unsigned promised_status(const char *name)
{
    for (size_t i = 0; i < sizeof PROMISED / sizeof *PROMISED; i++)
        if (!strcmp(PROMISED[i].name, name))
            return PROMISED[i].status;
    return 0;
}

static void refusals_have_names_and_statuses(void **state)
{
    (void)state;
    assert_null(refusal_row(REFUSAL_NONE)->name);
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        const struct refusal_row *row = refusal_row((enum refusal)i);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->name));
        assert_int_equal(row->status, promised_status(row->name));
        assert_string_not_equal(reply_phrase(row->status), "");
        for (int k = REFUSAL_NONE + 1; k < i; k++)
            assert_string_not_equal(row->name, refusal_row((enum refusal)k)->name);
    }
}

static void texts_of_refusals_are_sentences(void **state)
{
    (void)state;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        const struct refusal_row *row = refusal_row((enum refusal)i);
        const char *detail = strstr(row->message, "{detail}");
        assert_non_null(detail);
        assert_null(strstr(detail + 1, "{detail}"));
        assert_non_null(strchr(".}", row->message[strlen(row->message) - 1]));
        bool command = strchr(row->hint, '{') || strstr(row->hint, "curl");
        assert_true(!command || (!strstr(row->hint, ", or ") && !strstr(row->hint, ", then ")));
        assert_string_not_equal(row->hint, "");
    }
}

/* A client that sent data with a wrong request gets the right one, with its address. */
static void refusal_names_the_command_that_works(void **state)
{
    (void)state;
    static const enum refusal WRONG_WAYS[] = {
        REFUSAL_EMPTY_BODY,      REFUSAL_CONTENT_RANGE,       REFUSAL_CONTENT_ENCODING,
        REFUSAL_DAMAGED_BODY,    REFUSAL_FORMAT_MISMATCH,     REFUSAL_UNSAFE_FORMAT,
        REFUSAL_SIZE_MISMATCH,   REFUSAL_MULTIPART_MALFORMED, REFUSAL_UNSUPPORTED_CONTENT_TYPE,
        REFUSAL_LENGTH_REQUIRED, REFUSAL_SPOOL_FULL,          REFUSAL_DIGEST_MISMATCH,
    };
    for (size_t i = 0; i < sizeof WRONG_WAYS / sizeof *WRONG_WAYS; i++) {
        const char *hint = refusal_row(WRONG_WAYS[i])->hint;
        const char *const ends[] = {"{upload}", "{upload_copy}", "{right}", "{curl}", " {url}"};
        bool good = false;
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
            good |= strlen(hint) >= strlen(ends[k]) &&
                    !strcmp(hint + strlen(hint) - strlen(ends[k]), ends[k]);
        assert_true(good);
    }
}

/* Refusals of an import, an update or a task do not speak of sent data. */
static void refusal_has_words_for_every_action(void **state)
{
    (void)state;
    static const enum refusal OF_DOORS[] = {
        REFUSAL_BAD_REQUEST,      REFUSAL_JSON_MALFORMED,       REFUSAL_JSON_TOO_LONG,
        REFUSAL_DENIED_BY_POLICY, REFUSAL_STORE_NOT_ALLOWED,    REFUSAL_STORE_UNKNOWN,
        REFUSAL_CLIENT_STALLED,   REFUSAL_GLANCE_UNREACHABLE,   REFUSAL_GLANCE_FAILED,
        REFUSAL_GLANCE_TIMEOUT,   REFUSAL_TOO_MANY_CONNECTIONS,
    };
    for (size_t i = 0; i < sizeof OF_DOORS / sizeof *OF_DOORS; i++) {
        const struct refusal_row *row = refusal_row(OF_DOORS[i]);
        assert_null(strstr(row->message, "this upload"));
        assert_null(strstr(row->message, "the upload was"));
        assert_true(strncmp(row->hint, "curl -T", strlen("curl -T")) != 0);
        assert_null(strstr(row->hint, "{upload}"));
    }
}

/* "| `reason`, `reason` | 409 | ..." names this one with this status. */
static bool line_tells(const char *line, const struct refusal_row *row)
{
    char quoted[64];
    char status[16];
    snprintf(quoted, sizeof quoted, "`%s`", row->name);
    snprintf(status, sizeof status, "| %u |", row->status);
    return line[0] == '|' && strstr(line, quoted) && strstr(line, status);
}

static bool readme_tells(FILE *readme, const struct refusal_row *row)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    rewind(readme);
    while (!found && getline(&line, &size, readme) > 0)
        found = line_tells(line, row);
    free(line);
    return found;
}

static void readme_lists_every_refusal(void **state)
{
    (void)state;
    FILE *readme = fopen(INTAKE_SOURCE_DIR "/config/README.md", "r");
    assert_non_null(readme);
    unsigned missing = 0;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        const struct refusal_row *row = refusal_row((enum refusal)i);
        if (!readme_tells(readme, row)) {
            print_error("config/README.md has no line \"| `%s` | %u |\"\n", row->name, row->status);
            missing++;
        }
    }
    (void)fclose(readme);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_have_names_and_statuses),
        cmocka_unit_test(texts_of_refusals_are_sentences),
        cmocka_unit_test(refusal_names_the_command_that_works),
        cmocka_unit_test(refusal_has_words_for_every_action),
        cmocka_unit_test(readme_lists_every_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
