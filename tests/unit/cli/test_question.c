/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct said {
    enum question_id id;
    const char *text;
};

enum { SAID_MAX = 5 };

/* Takes them in order, up to one without a text; messages are in `errors`. */
static bool ask(const struct said *said, struct question *question, char errors[1024])
{
    bool good = true;
    *question = (struct question){0};
    memset(errors, 0, 1024);
    FILE *file = fmemopen(errors, 1023, "w");
    assert_non_null(file);
    for (size_t i = 0; i < SAID_MAX && said[i].text && good; i++)
        good = question_take(question, said[i].id, said[i].text, file);
    good = good && question_check(question, file);
    fclose(file);
    return good;
}

static void a_method_means_an_import(void **state)
{
    (void)state;
    static const struct {
        struct said said[SAID_MAX];
        enum record_kind ingest;
    } rows[] = {
        {{{QUESTION_NAME, "n"}}, RECORD_FILE},
        {{{QUESTION_INGEST, "upload"}}, RECORD_FILE},
        {{{QUESTION_INGEST, "stage"}}, RECORD_STAGE},
        {{{QUESTION_INGEST, "locations"}}, RECORD_LOCATIONS},
        {{{QUESTION_INGEST, "tasks"}}, RECORD_TASK},
        {{{QUESTION_IMPORT_METHOD, "copy-image"}}, RECORD_IMPORT},
        {{{QUESTION_IMPORT_METHOD, "m"}, {QUESTION_INGEST, "import"}}, RECORD_IMPORT},
        {{{QUESTION_INGEST, "import"}, {QUESTION_IMPORT_METHOD, "m"}}, RECORD_IMPORT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct question question;
        char errors[1024];
        assert_true(ask(rows[i].said, &question, errors));
        assert_string_equal(errors, "");
        assert_int_equal(question.kind, rows[i].ingest);
        question_free(&question);
    }
}

static void conflicting_options_are_reported(void **state)
{
    (void)state;
    static const struct {
        struct said said[SAID_MAX];
        const char *errors;
    } rows[] = {
        {{{QUESTION_INGEST, "import"}}, "an import needs --import-method"},
        {{{QUESTION_INGEST, "upload"}, {QUESTION_IMPORT_METHOD, "m"}},
         "--import-method goes with --door import"},
        {{{QUESTION_IMPORT_METHOD, "m"}, {QUESTION_INGEST, "stage"}},
         "--import-method goes with --door import"},
        {{{QUESTION_ALL_STORES, ""}}, "--all-stores goes with --import-method"},
        {{{QUESTION_STORE, "a"}, {QUESTION_STORE, "b"}},
         "only an import asks for more than one --store"},
        {{{QUESTION_IMPORT_METHOD, "m"}, {QUESTION_SIZE, "1GiB"}},
         "--size goes with an upload, glance-direct or copy-image"},
        {{{QUESTION_INGEST, "tasks"}, {QUESTION_SIZE, "1GiB"}},
         "--size goes with an upload, glance-direct or copy-image"},
        {{{QUESTION_INGEST, "tasks"}, {QUESTION_CHUNKED, ""}}, "--chunked goes with an upload"},
        {{{QUESTION_IMPORT_METHOD, "copy-image"}, {QUESTION_CHUNKED, ""}},
         "--chunked goes with an upload"},
        {{{QUESTION_INGEST, "window"}},
         "--door 'window' is not upload, stage, import, locations or tasks"},
        {{{QUESTION_HEADER, "Content-Type"}}, "--header 'Content-Type' is not 'Name: value'"},
        {{{QUESTION_HEADER, ": x"}}, "--header ': x' is not 'Name: value'"},
        {{{QUESTION_SIZE, "5GB"}}, "--size '5GB' is not a size"},
        {{{QUESTION_CLIENT, "nova"}}, "--client 'nova' is not an IP address"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct question question;
        char errors[1024];
        assert_false(ask(rows[i].said, &question, errors));
        if (!strstr(errors, rows[i].errors))
            fail_msg("row %zu: %s", i, errors);
        question_free(&question);
    }
}

/* `fields`: all of the head, each as "Name: value" and a line feed. */
static void request_head_has_the_given_and_default_fields(void **state)
{
    (void)state;
    static const struct {
        struct said said[SAID_MAX];
        const char *method;
        const char *fields;
    } rows[] = {
#define HOST "Host: glance\n"
#define TYPE "Content-Type: application/octet-stream\n"
        {{{QUESTION_NAME, "n"}}, "PUT", HOST TYPE},
        {{{QUESTION_SIZE, "1KiB"}}, "PUT", HOST TYPE "Content-Length: 1024\n"},
        {{{QUESTION_SIZE, "1KiB"}, {QUESTION_CHUNKED, ""}},
         "PUT",
         HOST TYPE "Transfer-Encoding: chunked\n"},
        {{{QUESTION_STORE, "test"}}, "PUT", HOST "X-Image-Meta-Store: test\n" TYPE},
        {{{QUESTION_HEADER, "content-type:  text/plain "}, {QUESTION_HEADER, "host:h"}},
         "PUT",
         "content-type: text/plain\nhost: h\n"},
        {{{QUESTION_HEADER, "Content-Type:"}, {QUESTION_INGEST, "stage"}}, "PUT", HOST},
        {{{QUESTION_HEADER, "X: a:b"}}, "PUT", HOST "X: a:b\n" TYPE},
        {{{QUESTION_HEADER, "X: y"}, {QUESTION_INGEST, "tasks"}}, "POST", HOST "X: y\n"},
        {{{QUESTION_IMPORT_METHOD, "m"}, {QUESTION_STORE, "a"}, {QUESTION_STORE, "b"}},
         "POST",
         HOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct question question;
        struct request_head head;
        char errors[1024];
        char fields[1024] = "";
        assert_true(ask(rows[i].said, &question, errors));
        assert_true(question_head(&question, &head));
        headers_each(row, &head.headers)
            sprintf(fields + strlen(fields), "%s: %s\n", row->name, row->value);
        assert_string_equal(fields, rows[i].fields);
        assert_string_equal(head.method, rows[i].method);
        headers_free(&head.headers);
        question_free(&question);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_method_means_an_import),
        cmocka_unit_test(conflicting_options_are_reported),
        cmocka_unit_test(request_head_has_the_given_and_default_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
