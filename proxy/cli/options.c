/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line. */
#include "cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The values that getopt_long() returns for options that do not describe a request. */
enum option_id {
    ID_CHECK = 't',
    ID_STRICT = 256,
    ID_PRINT_CONFIG,
    ID_VERSION,
    ID_HELP,
    ID_RELOAD,
    ID_CONFIG_FILE,
    ID_CONFIG_DIR
};

static const struct option long_options[] = {
    {"check", no_argument, NULL, ID_CHECK},
    {"strict", no_argument, NULL, ID_STRICT},
    {"print-config", no_argument, NULL, ID_PRINT_CONFIG},
    {"reload", required_argument, NULL, ID_RELOAD},
    {"version", no_argument, NULL, ID_VERSION},
    {"help", no_argument, NULL, ID_HELP},
    {"config-file", required_argument, NULL, ID_CONFIG_FILE},
    {"config-dir", required_argument, NULL, ID_CONFIG_DIR},
    {"project", required_argument, NULL, QUESTION_PROJECT},
    {"disk-format", required_argument, NULL, QUESTION_DISK_FORMAT},
    {"container-format", required_argument, NULL, QUESTION_CONTAINER_FORMAT},
    {"size", required_argument, NULL, QUESTION_SIZE},
    {"name", required_argument, NULL, QUESTION_NAME},
    {"visibility", required_argument, NULL, QUESTION_VISIBILITY},
    {"client", required_argument, NULL, QUESTION_CLIENT},
    {"user-agent", required_argument, NULL, QUESTION_USER_AGENT},
    {"store", required_argument, NULL, QUESTION_STORE},
    {"all-stores", no_argument, NULL, QUESTION_ALL_STORES},
    {"door", required_argument, NULL, QUESTION_INGEST},
    {"import-method", required_argument, NULL, QUESTION_IMPORT_METHOD},
    {"header", required_argument, NULL, QUESTION_HEADER},
    {"chunked", no_argument, NULL, QUESTION_CHUNKED},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: glance-intake [--config-file FILE]... [--config-dir DIR]...\n"
    "                                  run in the foreground\n"
    "       glance-intake --check | -t   check everything, print errors; exit 0 or 1\n"
    "                     [--strict]    exit 1 for warnings, too\n"
    "       glance-intake --print-config the effective configuration\n"
    "       glance-intake explain [--project P] [--disk-format F] [--container-format F]\n"
    "                     [--size 10GiB] [--name N] [--visibility V] [--client ADDR]\n"
    "                     [--user-agent UA] [--store S]... [--header 'NAME: VALUE']...\n"
    "                     [--chunked] [--door upload|stage|import|locations|tasks]\n"
    "                     [--import-method M] [--all-stores]\n"
    "                                  which rule applies, which store and why; what would\n"
    "                                  be changed or refused\n"
    "       glance-intake --reload PID   make the running process read its configuration again;\n"
    "                                  print its report; exit 0 or 1\n"
    "       glance-intake --version | --help\n";

void options_help(FILE *out)
{
    fputs(usage, out);
    fputs(
        "\n"
        "Files are read first, then the *.conf of each directory, in the order of their names. A\n"
        "later file wins, key by key. Without --config-file and --config-dir:\n"
        "/etc/glance-intake/glance-intake.conf, then /etc/glance-intake/conf.d/*.conf.\n"
        "\n"
        "explain assumes what is not given: an upload with its length and the right\n"
        "Content-Type. --chunked sends it without a length; --header is curl's -H, and\n"
        "'Content-Type:' sends none. --import-method asks about an import; each --store is one of\n"
        "its `stores`.\n"
        "\n"
        "SIGTERM and SIGINT let uploads in flight finish (drain_timeout), then end the program; a\n"
        "second one ends it at once. SIGHUP reads configuration, policy and certificates again.\n"
        "--reload does the same, and prints the result. SIGUSR2 starts the program again, with\n"
        "the listening sockets of this one, which ends when its uploads have.\n",
        out);
}

/* The state of the parser. */
struct parse {
    struct options *options;
    FILE *errors;
    bool command_given;  /* a command was given; another one is an error */
    bool question_given; /* an option was given that only explain uses */
};

static bool set_command(struct parse *parse, enum command command)
{
    if (parse->command_given && parse->options->command != command) {
        fprintf(parse->errors, "glance-intake: one command at a time\n");
        return false;
    }
    parse->command_given = true;
    parse->options->command = command;
    return true;
}

static bool add_path(struct parse *parse, const char ***paths, size_t *count, const char *path)
{
    bool good = text_list_add(paths, count, path);
    if (!good)
        fprintf(parse->errors, "glance-intake: no memory\n");
    return good;
}

static bool take_process(struct parse *parse, const char *text)
{
    char *end = NULL;
    long pid = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || pid < 1 || pid > INT_MAX) {
        fprintf(parse->errors, "glance-intake: --reload: '%s' is not a process id\n", text);
        return false;
    }
    parse->options->reload = (pid_t)pid;
    return set_command(parse, COMMAND_RELOAD);
}

static bool take_question(struct parse *parse, int id, const char *text)
{
    if (id < QUESTION_PROJECT) /* an unknown option; getopt_long() has printed a message */
        return false;
    parse->question_given = true;
    return question_take(&parse->options->question, (enum question_id)id, text, parse->errors);
}

static bool take_option(struct parse *parse, int id, const char *argument)
{
    struct settings_sources *sources = &parse->options->sources;
    switch (id) {
    case ID_CHECK:
        return set_command(parse, COMMAND_CHECK);
    case ID_STRICT:
        parse->options->strict = true;
        return true;
    case ID_PRINT_CONFIG:
        return set_command(parse, COMMAND_PRINT_CONFIG);
    case ID_VERSION:
        return set_command(parse, COMMAND_VERSION);
    case ID_HELP:
        return set_command(parse, COMMAND_HELP);
    case ID_RELOAD:
        return take_process(parse, argument);
    case ID_CONFIG_FILE:
        return add_path(parse, &sources->files, &sources->file_count, argument);
    case ID_CONFIG_DIR:
        return add_path(parse, &sources->dirs, &sources->dir_count, argument);
    default:
        return take_question(parse, id, argument);
    }
}

static bool take_word(struct parse *parse, const char *word)
{
    if (strcmp(word, "explain") == 0)
        return set_command(parse, COMMAND_EXPLAIN);
    fprintf(parse->errors, "glance-intake: '%s' is neither an option nor a command\n", word);
    return false;
}

static bool take_all(struct parse *parse, int argc, char **argv)
{
    optind = 0; /* glibc: restart the scan */
    for (int id; (id = getopt_long(argc, argv, "t", long_options, NULL)) != -1;)
        if (!take_option(parse, id, optarg))
            return false;
    for (int i = optind; i < argc; i++)
        if (!take_word(parse, argv[i]))
            return false;
    if (parse->question_given && parse->options->command != COMMAND_EXPLAIN) {
        fprintf(parse->errors, "glance-intake: what describes an upload goes with explain\n");
        return false;
    }
    if (parse->options->strict && parse->options->command != COMMAND_CHECK) {
        fprintf(parse->errors, "glance-intake: --strict goes with --check\n");
        return false;
    }
    return question_check(&parse->options->question, parse->errors);
}

bool options_parse(int argc, char **argv, struct options *options, FILE *errors)
{
    *options = (struct options){.command = COMMAND_RUN};
    struct parse parse = {.options = options, .errors = errors};
    if (take_all(&parse, argc, argv))
        return true;
    fputs(usage, errors);
    options_free(options);
    return false;
}

void options_free(struct options *options)
{
    free(options->sources.files);
    free(options->sources.dirs);
    question_free(&options->question);
    *options = (struct options){.command = COMMAND_RUN};
}
