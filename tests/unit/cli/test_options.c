/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 32 };

/* Parses "glance-intake" and the words, up to NULL; its messages go to `said`. */
static bool parse(const char *const *words, struct options *options, char said[4096])
{
    char *arguments[ARGUMENTS_MAX + 2] = {"glance-intake"};
    int count = 1;
    for (; words[count - 1]; count++) {
        assert_true(count < ARGUMENTS_MAX);
        arguments[count] = (char *)words[count - 1];
    }
    memset(said, 0, 4096);
    FILE *errors = fmemopen(said, 4095, "w");
    assert_non_null(errors);
    bool good = options_parse(count, arguments, options, errors);
    fclose(errors);
    return good;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void each_command_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum command command;
    } rows[] = {
        {"--check", COMMAND_CHECK},
        {"-t", COMMAND_CHECK},
        {"--print-config", COMMAND_PRINT_CONFIG},
        {"explain", COMMAND_EXPLAIN},
        {"--version", COMMAND_VERSION},
        {"--help", COMMAND_HELP},
    };
    struct options options;
    char said[4096];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(parse(WORDS(rows[i].word), &options, said));
        assert_int_equal(options.command, rows[i].command);
        assert_string_equal(said, "");
        options_free(&options);
    }
    const char *const nothing[] = {NULL};
    assert_true(parse(nothing, &options, said));
    assert_int_equal(options.command, COMMAND_RUN);
    assert_int_equal(options.sources.file_count, 0);
    assert_int_equal(options.sources.dir_count, 0);
    options_free(&options);
}

static void files_and_directories_come_in_order(void **state)
{
    (void)state;
    struct options options;
    char said[4096];
    assert_true(parse(WORDS("--config-file", "a", "--config-dir=d", "-t", "--config-file=b"),
                      &options, said));
    assert_int_equal(options.command, COMMAND_CHECK);
    assert_int_equal(options.sources.file_count, 2);
    assert_string_equal(options.sources.files[0], "a");
    assert_string_equal(options.sources.files[1], "b");
    assert_int_equal(options.sources.dir_count, 1);
    assert_string_equal(options.sources.dirs[0], "d");
    options_free(&options);
}

static void explain_takes_options_before_and_after(void **state)
{
    (void)state;
    struct options options;
    char said[4096];
    assert_true(
        parse(WORDS("--name", "n", "explain", "--store=s", "--all-stores", "--import-method", "m"),
              &options, said));
    assert_int_equal(options.command, COMMAND_EXPLAIN);
    assert_string_equal(options.question.facts.name, "n");
    assert_string_equal(options.question.stores[0], "s");
    assert_true(options.question.all_stores);
    assert_int_equal(options.question.kind, RECORD_IMPORT);
    options_free(&options);
}

/* Each option, by the name that it has on the command line. */
static void explain_takes_every_option(void **state)
{
    (void)state;
    struct options options;
    char said[4096];
    assert_true(
        parse(WORDS("explain", "--project", "p", "--disk-format", "qcow2", "--container-format",
                    "bare", "--size", "10GiB", "--name", "n", "--visibility", "public", "--client",
                    "::1", "--user-agent", "u", "--door", "stage", "--header", "A: b", "--chunked"),
              &options, said));
    const struct policy_facts *facts = &options.question.facts;
    assert_string_equal(facts->project, "p");
    assert_string_equal(facts->disk_format, "qcow2");
    assert_string_equal(facts->container_format, "bare");
    assert_true(facts->size_known);
    assert_int_equal(facts->size, UINT64_C(10) << 30);
    assert_string_equal(facts->name, "n");
    assert_string_equal(facts->visibility, "public");
    assert_string_equal(facts->client, "::1");
    assert_string_equal(facts->user_agent, "u");
    assert_int_equal(options.question.kind, RECORD_STAGE);
    assert_string_equal(headers_get(&options.question.headers, "a"), "b");
    assert_true(options.question.chunked);
    options_free(&options);
}

static void wrong_option_is_reported_with_the_usage(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *said;
    } rows[] = {
        {{"explain", "--size", "10GB"}, "--size '10GB' is not a size"},
        {{"explain", "--client", "localhost"}, "--client 'localhost' is not an IP address"},
        {{"explain", "--all-stores"}, "--all-stores goes with --import-method"},
        {{"--chunked"}, "goes with explain"},
        {{"--name", "n"}, "goes with explain"},
        {{"--check", "--name", "n"}, "goes with explain"},
        {{"--check", "--print-config"}, "one command at a time"},
        {{"--check", "explain"}, "one command at a time"},
        {{"start"}, "'start' is neither an option nor a command"},
        {{"explain", "--", "--store"}, "'--store' is neither an option nor a command"},
        {{"--no-such-option"}, "usage:"},
        {{"--config-file"}, "usage:"},
        {{"-x"}, "usage:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options options;
        char said[4096];
        assert_false(parse(rows[i].words, &options, said));
        assert_non_null(strstr(said, rows[i].said));
        assert_non_null(strstr(said, "usage: glance-intake"));
    }
}

static void help_names_every_option(void **state)
{
    (void)state;
    static const char *const names[] = {
        "--config-file", "--config-dir",       "--check",   "-t",     "--print-config",
        "explain",       "--project",          "--size",    "--name", "--disk-format",
        "--client",      "--container-format", "--store",   "--help", "--visibility",
        "--user-agent",  "--version",          "SIGHUP",    "--door", "--import-method",
        "--all-stores",  "--header",           "--chunked",
    };
    char text[4096] = "";
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(out);
    options_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(text, names[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_is_known),
        cmocka_unit_test(files_and_directories_come_in_order),
        cmocka_unit_test(explain_takes_options_before_and_after),
        cmocka_unit_test(explain_takes_every_option),
        cmocka_unit_test(wrong_option_is_reported_with_the_usage),
        cmocka_unit_test(help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
