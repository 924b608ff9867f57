/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what was asked for, and the commands that only read and tell. */
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

/* What `explain` is asked. Strings are argv's; the list and the headers are owned. */
struct question {
    enum record_kind ingest;
    bool door_said;
    struct policy_facts facts; /* but what is in the head: asked_store */
    const char **stores;       /* of an upload at most one */
    size_t store_count;
    bool all_stores;
    bool chunked;
    struct headers headers; /* one without a value stands for a field that is not sent */
};

struct options {
    enum command command;
    bool strict;                     /* of COMMAND_CHECK: a warning is as bad as an error */
    struct settings_sources sources; /* the lists in it are owned */
    struct question question;        /* of COMMAND_EXPLAIN */
    pid_t reload;                    /* of COMMAND_RELOAD: whom */
};

/* False: `errors` was told what is wrong; there is nothing to free. */
bool options_parse(int argc, char **argv, struct options *options, FILE *errors);
void options_free(struct options *options);
void options_help(FILE *out);

/* Adds to a list that grows by one; the text is borrowed. False: no memory. */
bool text_list_add(const char ***list, size_t *count, const char *text);

struct request_head;

/* --- question.c -------------------------------------------------------------------------- */

/* What getopt_long gives back for each thing that can be said. */
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

/* False: `errors` was told what is wrong. */
bool question_take(struct question *question, enum question_id id, const char *text, FILE *errors);
/* What no single option shows to be wrong. */
bool question_check(const struct question *question, FILE *errors);
/* What is not said is supposed to be right, but for the length. `headers` are the caller's to free.
 * False: no memory. */
bool question_head(const struct question *question, struct request_head *head);
void question_free(struct question *question);

/* --- commands.c, explain.c --------------------------------------------------------------- */

/* Exit status 0, or 1 with every problem told to `errors`. */
int command_check(const struct options *options, FILE *out, FILE *errors);
int command_print_config(const struct options *options, FILE *out, FILE *errors);
int command_explain(const struct options *options, FILE *out, FILE *errors);

struct diagnostics;

/* Tells them and lets them go; the exit status they mean. */
int command_report(struct diagnostics *diagnostics, FILE *errors);

#endif
