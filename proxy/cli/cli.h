/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: its options, and the commands that only read and print. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "intake/headers.h"
#include "intake/policy.h"
#include "intake/record.h"
#include "intake/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum command {
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_PRINT_CONFIG,
    COMMAND_EXPLAIN,
    COMMAND_RELOAD,
    COMMAND_VERSION,
    COMMAND_HELP
};

enum { EXIT_USAGE = 2 };

/* The request that `explain` is asked about. Strings are borrowed from argv; `stores` and the
 * headers are owned. */
struct question {
    enum record_kind kind;
    bool kind_given;           /* --door was given */
    struct policy_facts facts; /* without those in the head: requested_store */
    const char **stores;       /* at most one for an upload */
    size_t store_count;
    bool all_stores;
    bool chunked;
    struct headers headers; /* a header without a value means that it is not sent */
};

struct options {
    enum command command;
    bool strict;                     /* COMMAND_CHECK: a warning counts as an error */
    struct settings_sources sources; /* the lists in it are owned */
    struct question question;        /* COMMAND_EXPLAIN */
    pid_t reload;                    /* COMMAND_RELOAD: the process to reload */
};

/* False: `errors` has a message, and there is nothing to free. */
bool options_parse(int argc, char **argv, struct options *options, FILE *errors);
void options_free(struct options *options);
void options_help(FILE *out);

/* Appends to a list, which it reallocates. The text is borrowed. False: no memory. */
bool text_list_add(const char ***list, size_t *count, const char *text);

struct request_head;

/* --- question.c -------------------------------------------------------------------------- */

/* The values that getopt_long() returns for options that describe a request. */
enum question_id {
    QUESTION_PROJECT = 512,
    QUESTION_DISK_FORMAT,
    QUESTION_CONTAINER_FORMAT,
    QUESTION_NAME,
    QUESTION_VISIBILITY,
    QUESTION_USER_AGENT,
    QUESTION_CLIENT,
    QUESTION_SIZE,
    QUESTION_INGEST,
    QUESTION_IMPORT_METHOD,
    QUESTION_STORE,
    QUESTION_ALL_STORES,
    QUESTION_HEADER,
    QUESTION_CHUNKED
};

/* Sets one option. `text` is borrowed. False: `errors` has a message. */
bool question_take(struct question *question, enum question_id id, const char *text, FILE *errors);
/* Checks the combination of options. False: `errors` has a message. */
bool question_check(const struct question *question, FILE *errors);
/* Builds the head of the request. Headers that were not given get valid values, except the length.
 * The caller frees `head->headers`. False: no memory. */
bool question_head(const struct question *question, struct request_head *head);
void question_free(struct question *question);

/* --- commands.c, explain.c --------------------------------------------------------------- */

/* Return the exit status: 0, or 1 with all errors written to `errors`. */
int command_check(const struct options *options, FILE *out, FILE *errors);
int command_print_config(const struct options *options, FILE *out, FILE *errors);
int command_explain(const struct options *options, FILE *out, FILE *errors);

struct diagnostics;

/* Prints the diagnostics and frees them. Returns the exit status: 1 if there were any. */
int command_report(struct diagnostics *diagnostics, FILE *errors);

#endif
