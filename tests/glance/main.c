/* SPDX-License-Identifier: Apache-2.0 */
/* Options, start, wait for a signal, end. */
#include "glance.h"
#include "info.h"
#include "server.h"
#include "store.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const char usage[] =
    "usage: small-glance --data DIR [--bind 127.0.0.1:PORT] [--stores file,test]\n"
    "                    [--token NAME=PROJECT]... [--log FILE]\n"
    "\n"
    "  --data DIR            where the images' data go; it must exist\n"
    "  --bind ADDRESS:PORT   IPv4; port 0 (the default): any free one, told on standard output\n"
    "  --stores LIST         the first is the default store\n"
    "  --token NAME=PROJECT  a token and its project; the project admin is an administrator's.\n"
    "                        Without any: demo-token=demo, other-token=other, admin-token=admin\n"
    "  --log FILE            one JSON line per request\n";

struct options {
    struct sockaddr_in bind;
    const char *log;
};

static bool parse_bind(char *text, struct sockaddr_in *address)
{
    char *colon = strrchr(text, ':');
    char *end = "x";
    if (!colon)
        return false;
    *colon = '\0';
    unsigned long port = strtoul(colon + 1, &end, 10);
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port);
    return !*end && end != colon + 1 && port <= 65535 &&
           inet_pton(AF_INET, text, &address->sin_addr) == 1;
}

static bool parse_stores(struct glance *glance, char *list)
{
    char *rest = NULL;
    glance->store_count = 0;
    for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (!store_add(glance, name))
            return false;
    }
    return glance->store_count > 0;
}

/* `text` stays: both strings are kept in it. */
static bool add_principal(struct glance *glance, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || glance->principal_count == PRINCIPALS_MAX)
        return false;
    *equals = '\0';
    glance->principals[glance->principal_count++] = (struct principal){
        .token = text, .project = equals + 1, .admin = strcmp(equals + 1, "admin") == 0};
    return true;
}

static void default_principals(struct glance *glance)
{
    static char defaults[][32] = {"demo-token=demo", "other-token=other", "admin-token=admin"};
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        add_principal(glance, defaults[i]);
}

static bool parse_option(int option, char *value, struct glance *glance, struct options *options)
{
    switch (option) {
    case 'b':
        return parse_bind(value, &options->bind);
    case 'd':
        glance->data = value;
        return true;
    case 's':
        return parse_stores(glance, value);
    case 't':
        return add_principal(glance, value);
    case 'l':
        options->log = value;
        return true;
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct glance *glance, struct options *options)
{
    static const struct option known[] = {
        {"bind", required_argument, NULL, 'b'},   {"data", required_argument, NULL, 'd'},
        {"stores", required_argument, NULL, 's'}, {"token", required_argument, NULL, 't'},
        {"log", required_argument, NULL, 'l'},    {0}};
    static char bind[] = "127.0.0.1:0";
    static char stores[] = "file,test";
    bool good = parse_bind(bind, &options->bind) && parse_stores(glance, stores);
    for (int option; good && (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        good = parse_option(option, optarg, glance, options);
    if (glance->principal_count == 0)
        default_principals(glance);
    return good && optind == argc && glance->data && strlen(glance->data) < 4000;
}

static bool open_glance(struct glance *glance, const struct options *options)
{
    pthread_mutex_init(&glance->lock, NULL);
    json_object_seed(0);
    glance->images = json_array();
    glance->limits = limits_default();
    glance->stopping = eventfd(0, EFD_CLOEXEC);
    if (access(glance->data, W_OK | X_OK) != 0) {
        perror(glance->data);
        return false;
    }
    glance->journal = options->log ? fopen(options->log, "ae") : NULL;
    if (options->log && !glance->journal)
        perror(options->log);
    return glance->images && glance->limits && glance->stopping >= 0 &&
           (!options->log || glance->journal);
}

static void close_glance(struct glance *glance)
{
    if (glance->journal)
        fclose(glance->journal);
    close(glance->stopping);
    json_decref(glance->images);
    json_decref(glance->limits);
    pthread_mutex_destroy(&glance->lock);
}

static bool serve(struct glance *glance, const struct options *options, const sigset_t *ends)
{
    char address[INET_ADDRSTRLEN];
    int signal_number;
    struct MHD_Daemon *server = server_start(glance, &options->bind);
    if (!server) {
        perror("small-glance: cannot listen");
        return false;
    }
    printf("small-glance listening on %s:%u\n",
           inet_ntop(AF_INET, &options->bind.sin_addr, address, sizeof address),
           MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(ends, &signal_number);
    eventfd_write(glance->stopping, 1); /* wakes a paused thread */
    MHD_stop_daemon(server);
    return true;
}

int main(int argc, char **argv)
{
    struct glance glance = {0};
    struct options options = {0};
    sigset_t ends;
    if (!parse_options(argc, argv, &glance, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* the threads inherit it: only sigwait() sees them */
    signal(SIGPIPE, SIG_IGN);
    bool served = open_glance(&glance, &options) && serve(&glance, &options, &ends);
    close_glance(&glance);
    return served ? 0 : 1;
}
