/* SPDX-License-Identifier: Apache-2.0 */
/* The entry point of glance-intake, a reverse proxy in front of Glance that decides which store an
 * upload goes to. It parses the command line, then runs one command or the server. include/intake/
 * has the interfaces of all parts; proxy/server/server.c runs the server. */
#include "cli/cli.h"
#include "intake/control.h"
#include "intake/diagnostics.h"
#include "intake/log.h"
#include "intake/predecessor.h"
#include "intake/server.h"
#include "intake/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool open_log(const struct settings *settings, int predecessor)
{
    char error[512];
    if (log_open(settings->log_format, settings->debug, settings->log_file))
        return true;
    snprintf(error, sizeof error, "cannot open the log file %s: %s", settings->log_file,
             strerror(errno));
    fprintf(stderr, "glance-intake: %s\n", error);
    predecessor_tell_failure(predecessor, error);
    return false;
}

static int run(const struct options *options, char *const *arguments)
{
    const struct server_start start = {
        .sources = &options->sources, .arguments = arguments, .predecessor = predecessor_find()};
    struct diagnostics diagnostics = {0};
    struct snapshot *snapshot = snapshot_load(&options->sources, &diagnostics);
    if (!snapshot)
        predecessor_tell_failure(start.predecessor,
                                 diagnostics.count ? diagnostics.lines[0] : "out of memory");
    command_report(&diagnostics, stderr);
    if (snapshot && open_log(snapshot->settings, start.predecessor))
        return server_run(snapshot, &start);
    snapshot_release(snapshot);
    return EXIT_FAILURE;
}

static int perform(const struct options *options, char *const *arguments)
{
    switch (options->command) {
    case COMMAND_CHECK:
        return command_check(options, stdout, stderr);
    case COMMAND_PRINT_CONFIG:
        return command_print_config(options, stdout, stderr);
    case COMMAND_EXPLAIN:
        return command_explain(options, stdout, stderr);
    case COMMAND_RELOAD:
        return control_ask(options->reload, stdout, stderr);
    case COMMAND_VERSION:
        puts("glance-intake " INTAKE_VERSION);
        return EXIT_SUCCESS;
    case COMMAND_HELP:
        options_help(stdout);
        return EXIT_SUCCESS;
    case COMMAND_RUN:
        break;
    }
    return run(options, arguments);
}

int main(int argc, char **argv)
{
    struct options options;
    if (!options_parse(argc, argv, &options, stderr))
        return EXIT_USAGE;
    int status = perform(&options, argv);
    options_free(&options);
    /* Fails if the output could not be written: a full disk, a closed pipe. */
    return fflush(stdout) != 0 && status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}
