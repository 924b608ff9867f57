/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what was asked for, and the commands that only read and tell. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "intake/policy.h"
#include "intake/settings.h"

#include <stdbool.h>
#include <stdio.h>

enum command {
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_PRINT_CONFIG,
    COMMAND_EXPLAIN,
    COMMAND_VERSION,
    COMMAND_HELP
};

enum { EXIT_USAGE = 2 };

/* Strings are argv's; the lists in `sources` are owned. */
struct options {
    enum command command;
    struct settings_sources sources;
    struct policy_facts facts; /* of COMMAND_EXPLAIN */
};

/* False: `errors` was told what is wrong; there is nothing to free. */
bool options_parse(int argc, char **argv, struct options *options, FILE *errors);
void options_free(struct options *options);
void options_help(FILE *out);

/* Exit status 0, or 1 with every problem told to `errors`. */
int command_check(const struct options *options, FILE *out, FILE *errors);
int command_print_config(const struct options *options, FILE *out, FILE *errors);
int command_explain(const struct options *options, FILE *out, FILE *errors);

#endif
