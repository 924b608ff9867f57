/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the rules between settings, and paths that must exist. */
#include "config/config_priv.h"
#include "intake/diagnostics.h"
#include "intake/endpoint.h"
#include "intake/key_file.h"

#include <netinet/in.h>
#include <stdio.h>
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
    const char *fault = tls_priorities_fault(check->settings);
    const char *cert = check->settings->listen.tls_cert_file;
    const char *key = check->settings->listen.tls_key_file;
    if (cert && !key)
        REPORT(check, "listen", "tls_cert_file", "needs tls_key_file, too");
    if (key && !cert)
        REPORT(check, "listen", "tls_key_file", "needs tls_cert_file, too");
    if (check->settings->listen.tls_client_ca_file && !cert)
        REPORT(check, "listen", "tls_client_ca_file", "needs tls_cert_file, too");
    if (fault)
        REPORT(check, "listen", "tls_ciphers", "'%.80s' %s",
               check->settings->listen.tls_ciphers ? check->settings->listen.tls_ciphers : "",
               fault);
}

/* Without trusted proxies nobody's header would be read. */
static void check_proxy_protocol(const struct check *check)
{
    const struct networks *trusted = &check->settings->listen.trusted_proxies;
    if (check->settings->listen.proxy_protocol && !trusted->count && !trusted->unix_sockets)
        REPORT(check, "listen", "proxy_protocol", "needs trusted_proxies, too");
}

static void check_client_cert(const struct check *check)
{
    const char *cert = check->settings->glance.client_cert_file;
    const char *key = check->settings->glance.client_key_file;
    if (cert && !key)
        REPORT(check, "glance", "client_cert_file", "needs client_key_file, too");
    if (key && !cert)
        REPORT(check, "glance", "client_key_file", "needs client_cert_file, too");
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
                REPORT(check, "listen", "bind", "%s and %s are the same %s", binds[i].text,
                       binds[j].text, binds[i].address.ss_family == AF_UNIX ? "socket" : "port");
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

/* Returns false, and what is wrong in `why`, if a file that is set cannot be read. */
static bool is_readable(const char *path, char why[SETTINGS_WHY_MAX])
{
    struct stat status;
    if (!path)
        return true;
    bool read = access(path, R_OK) == 0 && stat(path, &status) == 0;
    if (!read)
        snprintf(why, SETTINGS_WHY_MAX, "%s cannot be read: %m", path);
    else if (S_ISDIR(status.st_mode))
        snprintf(why, SETTINGS_WHY_MAX, "%s is a directory", path);
    return read && !S_ISDIR(status.st_mode);
}

static void check_ca_files(const struct check *check)
{
    char why[SETTINGS_WHY_MAX];
    if (!is_readable(check->settings->glance.ca_file, why))
        REPORT(check, "glance", "ca_file", "%s", why);
    if (!is_readable(check->settings->keystone.ca_file, why))
        REPORT(check, "keystone", "ca_file", "%s", why);
}

/* The URL may be http://user:password@host: a password is never shown. */
static void check_keystone(const struct check *check)
{
    const char *url = check->settings->keystone.auth_url;
    const char *fault = url ? service_url_fault(url) : NULL;
    if (fault)
        REPORT(check, "keystone", "auth_url", "'%.80s' %s", strchr(url, '@') ? "..." : url, fault);
    if (check->settings->keystone.ca_file && !url)
        REPORT(check, "keystone", "ca_file", "needs auth_url, too");
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

const char *settings_spool_user(const struct settings *settings)
{
    if (settings->upload.unknown_length == UNKNOWN_LENGTH_SPOOL)
        return "unknown_length";
    if (settings->upload.slow == SLOW_UPLOAD_SPOOL)
        return "slow";
    bool keeps = settings->resume.window && settings->resume.backing == RESUME_BACKING_SPOOL;
    return keeps ? "backing" : NULL;
}

/* A directory that does not exist yet is created at start. */
static void check_spool_dir(const struct check *check)
{
    const char *path = check->settings->upload.spool_dir;
    struct stat status;
    const char *user = settings_spool_user(check->settings);
    if (!user)
        return;
    if (!path)
        REPORT(check, "upload", "spool_dir", "must be set with %s = spool", user);
    else if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        REPORT(check, "upload", "spool_dir", "%s is not a directory", path);
}

/* A byte that was kept back is sent at each interval, and 512 are (upstream/reserve.c). */
enum { FEEDS_MAX = 500 };

static void check_window(const struct check *check)
{
    uint64_t interval = check->settings->glance.feed_interval;
    bool feeds = interval && check->settings->resume.backing == RESUME_BACKING_HOLD;
    if (feeds && check->settings->resume.window / interval > FEEDS_MAX)
        REPORT(check, "resume", "window",
               "is longer than %d times [glance] feed_interval: shorten it, or lengthen that",
               FEEDS_MAX);
}

/* --- the other proxies --------------------------------------------------------------------- */

enum { PEER_KEY_MIN = 32 };

/* A program that can read the key can read, and forge, the answers of the proxies. */
static void check_key_file(const struct check *check, const char *path)
{
    char key[KEY_MAX + 1], why[128];
    struct stat status;
    bool read = key_file_read(path, key, why, sizeof why);
    size_t length = read ? strlen(key) : 0;
    explicit_bzero(key, sizeof key);
    if (!read)
        REPORT(check, "cluster", "key_file", "%s %s", path, why);
    else if (length < PEER_KEY_MIN)
        REPORT(check, "cluster", "key_file",
               "%s has fewer than %d characters: openssl rand -hex 32 > %s", path, PEER_KEY_MIN,
               path);
    else if (stat(path, &status) == 0 && status.st_mode & (S_IWGRP | S_IRWXO))
        REPORT(check, "cluster", "key_file", "others may read or change %s: chmod 0640 %s", path,
               path);
}

static void check_cluster(const struct check *check)
{
    const struct settings *settings = check->settings;
    const char *path = settings->cluster.key_file;
    if (settings->cluster.peer_count && !path)
        REPORT(check, "cluster", "peers", "needs key_file, too");
    if (settings->cluster.peer_count && !settings->admin.bind.text)
        REPORT(check, "cluster", "peers", "needs [admin] bind, where the other proxies ask");
    if (path)
        check_key_file(check, path);
}

void settings_check(const struct settings *settings, const struct setting_place *places,
                    struct diagnostics *diagnostics)
{
    const struct check check = {settings, places, diagnostics};
    check_log_file(&check);
    check_tls(&check);
    check_binds(&check);
    check_loops(&check);
    check_ca_files(&check);
    check_keystone(&check);
    check_client_cert(&check);
    check_proxy_protocol(&check);
    check_spool_dir(&check);
    check_window(&check);
    check_cluster(&check);
}
