/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the rules between settings, and paths that must exist. */
#include "config/config_priv.h"
#include "intake/diagnostics.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct check {
    const struct settings *settings;
    const struct setting_place *places;
    struct diagnostics *diagnostics;
};

/* Finds where the key was set, for the message. */
static struct setting_place place_of(const struct check *check, const char *section,
                                     const char *key)
{
    struct setting_place place = {NULL, 0};
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].section, section) == 0 &&
            strcmp(settings_table[i].key, key) == 0)
            place = check->places[i];
    if (!place.file)
        place.file = "default";
    return place;
}

#define REPORT(check, section, key, ...)                                                           \
    do {                                                                                           \
        struct setting_place at = place_of(check, section, key);                                   \
        diagnostics_add((check)->diagnostics, at.file, at.line,                                    \
                        "[" section "] " key ": " __VA_ARGS__);                                    \
    } while (0)

/* With only one of the two set, the listener would speak plain HTTP although TLS was wanted. */
static void check_tls(const struct check *check)
{
    const char *cert = check->settings->listen.tls_cert_file;
    const char *key = check->settings->listen.tls_key_file;
    if (cert && !key)
        REPORT(check, "listen", "tls_cert_file", "needs tls_key_file, too");
    if (key && !cert)
        REPORT(check, "listen", "tls_key_file", "needs tls_cert_file, too");
}

/* 0.0.0.0 includes all IPv4 addresses, and [::] all IPv6 addresses (IPV6_V6ONLY), but not each
 * other's. */
static bool collide(const struct bind_address *a, const struct bind_address *b)
{
    if (a->address.ss_family != b->address.ss_family || bind_port(a) != bind_port(b))
        return false;
    return bind_is_wildcard(a) || bind_is_wildcard(b) ||
           memcmp(&a->address, &b->address, a->length) == 0;
}

static void check_binds(const struct check *check)
{
    const struct bind_address *binds = check->settings->listen.binds;
    const struct bind_address *admin = &check->settings->admin.bind;
    for (size_t i = 0; i < check->settings->listen.bind_count; i++) {
        for (size_t j = i + 1; j < check->settings->listen.bind_count; j++)
            if (collide(&binds[i], &binds[j]))
                REPORT(check, "listen", "bind", "%s and %s are the same port", binds[i].text,
                       binds[j].text);
        if (admin->text && collide(&binds[i], admin))
            REPORT(check, "admin", "bind", "%s is the port of [listen] bind %s", admin->text,
                   binds[i].text);
    }
}

static void check_loops(const struct check *check)
{
    const struct settings *settings = check->settings;
    for (size_t i = 0; i < settings->glance.endpoint_count; i++) {
        const char *endpoint = settings->glance.endpoints[i];
        const struct bind_address *bind =
            loop_find(endpoint, settings->listen.binds, settings->listen.bind_count);
        if (bind)
            REPORT(check, "glance", "endpoint", "%s is this proxy itself ([listen] bind %s)",
                   endpoint, bind->text);
    }
}

static void check_ca_file(const struct check *check)
{
    const char *path = check->settings->glance.ca_file;
    struct stat status;
    if (!path)
        return;
    if (access(path, R_OK) != 0 || stat(path, &status) != 0)
        REPORT(check, "glance", "ca_file", "%s cannot be read: %m", path);
    else if (S_ISDIR(status.st_mode))
        REPORT(check, "glance", "ca_file", "%s is a directory", path);
}

/* Reports a missing directory before the log is opened at start. */
static void check_log_file(const struct check *check)
{
    const char *path = check->settings->log_file;
    const char *slash = path ? strrchr(path, '/') : NULL;
    struct stat status;
    if (!slash || slash == path)
        return;
    char *dir = strndup(path, (size_t)(slash - path));
    if (!dir)
        REPORT(check, "DEFAULT", "log_file", "no memory");
    else if (stat(dir, &status) != 0 || !S_ISDIR(status.st_mode))
        REPORT(check, "DEFAULT", "log_file", "there is no directory %s", dir);
    else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        REPORT(check, "DEFAULT", "log_file", "%s is a directory", path);
    free(dir);
}

/* A directory that does not exist yet is created at start. */
static void check_spool_dir(const struct check *check)
{
    const char *path = check->settings->upload.spool_dir;
    struct stat status;
    if (check->settings->upload.unknown_length != UNKNOWN_LENGTH_SPOOL)
        return;
    if (!path)
        REPORT(check, "upload", "spool_dir", "must be set with unknown_length = spool");
    else if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        REPORT(check, "upload", "spool_dir", "%s is not a directory", path);
}

void settings_check(const struct settings *settings, const struct setting_place *places,
                    struct diagnostics *diagnostics)
{
    const struct check check = {settings, places, diagnostics};
    check_log_file(&check);
    check_tls(&check);
    check_binds(&check);
    check_loops(&check);
    check_ca_file(&check);
    check_spool_dir(&check);
}
