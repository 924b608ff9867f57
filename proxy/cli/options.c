/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "intake/networks.h"
#include "intake/units.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* What getopt_long gives back: a command, a place of the configuration, or a fact to explain. */
enum option_id {
    ID_CHECK = 't',
    ID_PRINT_CONFIG = 256,
    ID_VERSION,
    ID_HELP,
    ID_CONFIG_FILE,
    ID_CONFIG_DIR,
    ID_PROJECT, /* from here on: only with explain */
    ID_DISK_FORMAT,
    ID_CONTAINER_FORMAT,
    ID_SIZE,
    ID_NAME,
    ID_VISIBILITY,
    ID_CLIENT,
    ID_USER_AGENT,
    ID_STORE
};

static const struct option long_options[] = {
    {"check", no_argument, NULL, ID_CHECK},
    {"print-config", no_argument, NULL, ID_PRINT_CONFIG},
    {"version", no_argument, NULL, ID_VERSION},
    {"help", no_argument, NULL, ID_HELP},
    {"config-file", required_argument, NULL, ID_CONFIG_FILE},
    {"config-dir", required_argument, NULL, ID_CONFIG_DIR},
    {"project", required_argument, NULL, ID_PROJECT},
    {"disk-format", required_argument, NULL, ID_DISK_FORMAT},
    {"container-format", required_argument, NULL, ID_CONTAINER_FORMAT},
    {"size", required_argument, NULL, ID_SIZE},
    {"name", required_argument, NULL, ID_NAME},
    {"visibility", required_argument, NULL, ID_VISIBILITY},
    {"client", required_argument, NULL, ID_CLIENT},
    {"user-agent", required_argument, NULL, ID_USER_AGENT},
    {"store", required_argument, NULL, ID_STORE},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: glance-intake [--config-file FILE]... [--config-dir DIR]...\n"
    "                                  run in the foreground\n"
    "       glance-intake --check | -t   read everything, say what is wrong; exit 0 or 1\n"
    "       glance-intake --print-config the effective configuration\n"
    "       glance-intake explain [--project P] [--disk-format F] [--container-format F]\n"
    "                     [--size 10GiB] [--name N] [--visibility V] [--client ADDR]\n"
    "                     [--user-agent UA] [--store S]\n"
    "                                  which rule applies, which store, why\n"
    "       glance-intake --version | --help\n";

void options_help(FILE *out)
{
    fputs(usage, out);
    fputs(
        "\n"
        "Files are read before directories, of which each *.conf is read in the order of the\n"
        "names; a later file wins, key by key. Without --config-file and --config-dir:\n"
        "/etc/glance-intake/glance-intake.conf, then /etc/glance-intake/conf.d/*.conf.\n"
        "\n"
        "SIGTERM and SIGINT let uploads in flight finish (drain_timeout), then end the program; a\n"
        "second one ends it at once. SIGHUP reads configuration, policy and certificates anew.\n",
        out);
}

/* What the parser keeps besides the options themselves. */
struct parse {
    struct options *options;
    FILE *errors;
    bool commanded;   /* one command was given; a second one is an error */
    bool facts_given; /* only explain has use for them */
};

static bool choose(struct parse *parse, enum command command)
{
    if (parse->commanded && parse->options->command != command) {
        fprintf(parse->errors, "glance-intake: one command at a time\n");
        return false;
    }
    parse->commanded = true;
    parse->options->command = command;
    return true;
}

static bool add_path(struct parse *parse, const char ***paths, size_t *count, const char *path)
{
    const char **grown = reallocarray(*paths, *count + 1, sizeof *grown);
    if (!grown) {
        fprintf(parse->errors, "glance-intake: no memory\n");
        return false;
    }
    grown[(*count)++] = path;
    *paths = grown;
    return true;
}

static bool take_size(struct parse *parse, const char *text)
{
    struct policy_facts *facts = &parse->options->facts;
    facts->size_known = units_parse_size(text, &facts->size);
    if (!facts->size_known)
        fprintf(parse->errors, "glance-intake: --size '%s' is not " UNITS_SIZE_FORM "\n", text);
    return facts->size_known;
}

static bool take_client(struct parse *parse, const char *text)
{
    parse->options->facts.client = text;
    if (address_valid(text))
        return true;
    fprintf(parse->errors, "glance-intake: --client '%s' is not an IP address\n", text);
    return false;
}

static bool take_fact(struct parse *parse, int id, const char *text)
{
    struct policy_facts *facts = &parse->options->facts;
    parse->facts_given = true;
    switch (id) {
    case ID_SIZE:
        return take_size(parse, text);
    case ID_CLIENT:
        return take_client(parse, text);
    case ID_PROJECT:
        facts->project = text;
        return true;
    case ID_DISK_FORMAT:
        facts->disk_format = text;
        return true;
    case ID_CONTAINER_FORMAT:
        facts->container_format = text;
        return true;
    case ID_NAME:
        facts->name = text;
        return true;
    case ID_VISIBILITY:
        facts->visibility = text;
        return true;
    case ID_USER_AGENT:
        facts->user_agent = text;
        return true;
    case ID_STORE:
        facts->asked_store = text;
        return true;
    default: /* getopt_long has told what it does not know */
        return false;
    }
}

static bool take_option(struct parse *parse, int id, const char *argument)
{
    struct settings_sources *sources = &parse->options->sources;
    switch (id) {
    case ID_CHECK:
        return choose(parse, COMMAND_CHECK);
    case ID_PRINT_CONFIG:
        return choose(parse, COMMAND_PRINT_CONFIG);
    case ID_VERSION:
        return choose(parse, COMMAND_VERSION);
    case ID_HELP:
        return choose(parse, COMMAND_HELP);
    case ID_CONFIG_FILE:
        return add_path(parse, &sources->files, &sources->file_count, argument);
    case ID_CONFIG_DIR:
        return add_path(parse, &sources->dirs, &sources->dir_count, argument);
    default:
        return take_fact(parse, id, argument);
    }
}

static bool take_word(struct parse *parse, const char *word)
{
    if (strcmp(word, "explain") == 0)
        return choose(parse, COMMAND_EXPLAIN);
    fprintf(parse->errors, "glance-intake: '%s' is neither an option nor a command\n", word);
    return false;
}

static bool take_all(struct parse *parse, int argc, char **argv)
{
    optind = 0; /* glibc: begin anew */
    for (int id; (id = getopt_long(argc, argv, "t", long_options, NULL)) != -1;)
        if (!take_option(parse, id, optarg))
            return false;
    for (int i = optind; i < argc; i++)
        if (!take_word(parse, argv[i]))
            return false;
    if (parse->facts_given && parse->options->command != COMMAND_EXPLAIN) {
        fprintf(parse->errors, "glance-intake: what describes an upload goes with explain\n");
        return false;
    }
    return true;
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
    *options = (struct options){.command = COMMAND_RUN};
}
