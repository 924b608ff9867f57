/* SPDX-License-Identifier: Apache-2.0 */
/* glance-intake.conf as the program uses it: every value checked, every unit resolved.
 *
 * Sizes are bytes, times are milliseconds. The rows of proxy/config/ say each key's name,
 * default and bounds; this is what they fill. Immutable once loaded. */
#ifndef INTAKE_SETTINGS_H
#define INTAKE_SETTINGS_H

#include "intake/log.h"
#include "intake/networks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct buffer;
struct diagnostics;
struct setting_place;

struct bind_address {
    char *text; /* as configured: "0.0.0.0:9292", "[::]:9292" */
    struct sockaddr_storage address;
    socklen_t length;
};

/* What becomes of an upload that a check objects to. */
enum check_level { CHECK_OFF, CHECK_WARN, CHECK_REJECT };

/* One level per kind of check of the image data. */
struct check_levels {
    enum check_level damaged;
    enum check_level format;
    enum check_level unsafe_format;
    enum check_level truncated;
    enum check_level compressed;
};

/* Does this proxy refuse what Glance's own format inspection would refuse after storing it? AUTO:
 * once Glance has shown that it inspects (inspection.h). */
enum glance_checks { GLANCE_CHECKS_AUTO, GLANCE_CHECKS_ON, GLANCE_CHECKS_OFF };

enum unknown_length { UNKNOWN_LENGTH_SPOOL, UNKNOWN_LENGTH_STREAM, UNKNOWN_LENGTH_REJECT };

/* What is compared with the image afterwards: each compares all that the one before it does. */
enum verify_mode { VERIFY_OFF, VERIFY_SIZE, VERIFY_DIGEST };

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* The header in which trusted proxies tell who the client is. */
enum forwarded_header { FORWARDED_HEADER_X_FORWARDED_FOR, FORWARDED_HEADER_FORWARDED };

struct settings {
    bool debug;
    unsigned workers; /* at least 1: 0 in the file is resolved to the number of CPUs */
    enum log_format log_format;
    char *log_file; /* NULL: standard error */
    uint64_t drain_timeout;

    struct {
        struct bind_address *binds; /* at least one */
        size_t bind_count;
        char *tls_cert_file; /* both set, or both NULL */
        char *tls_key_file;
        enum tls_version tls_min_version;
        unsigned max_connections;
        uint64_t header_timeout;
        uint64_t keepalive_timeout;
        uint64_t stall_timeout;
        uint64_t max_request_body; /* of what is no upload */
        struct networks trusted_proxies;
        enum forwarded_header forwarded_header;
    } listen;

    struct {
        char **endpoints; /* at least one; "http://host:port" or https, without trailing slash */
        size_t endpoint_count;
        char *ca_file; /* NULL: the system's */
        bool insecure;
        uint64_t health_interval; /* 0: off */
        uint64_t connect_timeout;
        uint64_t stall_timeout;
        uint64_t response_timeout;
    } glance;

    struct {
        uint64_t max_size;
        bool fix_content_type; /* else: strict */
        bool unwrap_multipart; /* else: reject */
        enum unknown_length unknown_length;
        char *spool_dir;
        char *spool_dir_file; /* where it was set, for what is found out of it later */
        int spool_dir_line;
        uint64_t spool_limit; /* of all workers together */
        struct check_levels checks;
        enum glance_checks glance_checks;
        enum verify_mode verify;
        bool check_quota; /* the project's, and the room in the store */
    } upload;

    struct {
        char *file;
    } policy;

    struct {
        struct bind_address bind; /* text NULL: off */
    } admin;

    struct setting_place *places; /* where each key was set, of those that need a restart */
};

/* Where the configuration stands: the files in this order, then the directories, each one's *.conf
 * sorted by name. Later files win, key by key. What is named here must exist. Zero-initialised:
 * the defaults, /etc/glance-intake/glance-intake.conf and /etc/glance-intake/conf.d/, which may be
 * absent. */
struct settings_sources {
    const char **files;
    size_t file_count;
    const char **dirs;
    size_t dir_count;
};

/* Reads everything; NULL when there is any problem (all of them are in `problems`). */
struct settings *settings_load(const struct settings_sources *sources,
                               struct diagnostics *diagnostics);

/* The same, but what could be read is there even if there are problems (a bad value leaves the one
 * before it): good for looking for more of them, never for running. NULL: no memory. */
struct settings *settings_read(const struct settings_sources *sources,
                               struct diagnostics *diagnostics);

/* What of `asked` only a restart can bring into force, while `running` is what the program was
 * started with: a line each, with file, line and both values. */
void settings_needing_restart(const struct settings *running, const struct settings *asked,
                              struct diagnostics *out);

/* The effective configuration as INI, every key. None holds a secret: keys and passwords stand in
 * files that are named here. */
void settings_print(const struct settings *settings, struct buffer *out);

void settings_free(struct settings *settings);

#endif
