/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a server on 127.0.0.1 as many clients of Glance would, and prints the results as JSON.
 * Fails on any error, a wrong byte included. */
#include "load.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static const char usage[] =
    "usage: bench-load upload|download|idle|stall|ping --port PORT [OPTION VALUE]...\n"
    "    --count N       transfers at once, or connections\n"
    "    --size BYTES    of each image\n"
    "    --rate BYTES    per second and upload\n"
    "    --serial N      of the images, another one for every run\n"
    "    --verified BY   what X-Intake-Verified has to say\n"
    "    --tls, --form   without a value\n";

static const struct action {
    const char *name;
    void (*run)(const struct load *load);
} actions[] = {
    {"upload", load_upload}, {"download", load_download}, {"idle", load_idle},
    {"stall", load_stall},   {"ping", load_ping},
};

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"count", required_argument, NULL, 'c'},
    {"size", required_argument, NULL, 's'},
    {"rate", required_argument, NULL, 'r'},
    {"serial", required_argument, NULL, 'n'},
    {"verified", required_argument, NULL, 'v'},
    {"tls", no_argument, NULL, 't'},
    {"form", no_argument, NULL, 'f'},
    {0},
};

static bool take_option(struct load *load, int letter)
{
    switch (letter) {
    case 'p':
        load->target.port = (uint16_t)strtoul(optarg, NULL, 10);
        return true;
    case 'c':
        load->count = (unsigned)strtoul(optarg, NULL, 10);
        return true;
    case 's':
        load->size = strtoull(optarg, NULL, 10);
        return true;
    case 'r':
        load->rate = strtoull(optarg, NULL, 10);
        return true;
    case 'n':
        load->serial = (uint32_t)strtoul(optarg, NULL, 10);
        return true;
    case 'v':
        load->verified = optarg;
        return true;
    case 't':
        target_speak_tls(&load->target);
        return true;
    case 'f':
        load->form = true;
        return true;
    default:
        return false;
    }
}

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; name && i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

int main(int count, char **arguments)
{
    struct load load = {.count = 1};
    bool good = true;
    int letter;
    while ((letter = getopt_long(count, arguments, "", options, NULL)) != -1)
        good = take_option(&load, letter) && good;
    const struct action *action = find_action(arguments[optind]);
    if (!good || !action || load.target.port == 0 || load.count == 0) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL); /* else a pace of a few hundred microseconds is not kept */
    action->run(&load);
    target_clear(&load.target);
    return 0;
}
