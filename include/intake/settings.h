/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of glance-intake.conf, with every value checked and every unit resolved.
 *
 * Sizes are in bytes, times in milliseconds. proxy/config/table.c has the name, default and bounds
 * of each key. Immutable once loaded. */
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

enum { ENDPOINTS_MAX = 16 };

struct bind_address {
    char *text; /* as configured: "0.0.0.0:9292", "[::]:9292", "unix:/run/glance-intake/socket" */
    struct sockaddr_storage address;
    socklen_t length;
};

/* What happens to an upload that fails a check. The last one is a level of `compressed` only:
 * compressed data is decompressed, and what cannot be is rejected. */
enum check_level { CHECK_OFF, CHECK_WARN, CHECK_REJECT, CHECK_DECOMPRESS };

/* One level per kind of check of the image data. */
struct check_levels {
    enum check_level damaged;
    enum check_level format;
    enum check_level unsafe_format;
    enum check_level truncated;
    enum check_level compressed;
};

/* Whether this proxy refuses what Glance's own format inspection would refuse after storing it.
 * AUTO: as soon as an answer of Glance has shown that it inspects (inspection.h). */
enum glance_checks { GLANCE_CHECKS_AUTO, GLANCE_CHECKS_ON, GLANCE_CHECKS_OFF };

enum unknown_length { UNKNOWN_LENGTH_SPOOL, UNKNOWN_LENGTH_STREAM, UNKNOWN_LENGTH_REJECT };

/* What happens to an upload whose opening seconds are slower than slow_rate. */
enum slow_upload { SLOW_UPLOAD_STREAM, SLOW_UPLOAD_SPOOL };

/* Where the data of an upload is that can be resumed. */
enum resume_backing {
    RESUME_BACKING_HOLD, /* with Glance, whose request stays open */
    RESUME_BACKING_SPOOL /* on disk, until it is whole */
};

/* What is compared with the image after an upload. Each mode includes the one before it. */
enum verify_mode { VERIFY_OFF, VERIFY_SIZE, VERIFY_DIGEST };

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* The header in which trusted proxies name the client. */
enum forwarded_header { FORWARDED_HEADER_X_FORWARDED_FOR, FORWARDED_HEADER_FORWARDED };

/* Which requests have a line in the log when they end: none, uploads and imports, or all. */
enum access_log { ACCESS_LOG_OFF, ACCESS_LOG_UPLOADS, ACCESS_LOG_ALL };

enum { PEER_MAX = 255 }; /* bytes in "host:port" of a peer */

struct settings {
    bool debug;
    unsigned workers; /* at least 1: 0 in the file is resolved to the number of CPUs */
    enum log_format log_format;
    char *log_file; /* NULL: standard error */
    enum access_log access_log;
    uint64_t drain_timeout;

    struct {
        struct bind_address *binds; /* at least one */
        size_t bind_count;
        char *tls_cert_file; /* both set, or both NULL */
        char *tls_key_file;
        enum tls_version tls_min_version;
        char *tls_ciphers;        /* NULL: the proxy's own choice */
        char *tls_client_ca_file; /* NULL: clients need no certificate */
        unsigned max_connections;
        uint64_t header_timeout;
        uint64_t keepalive_timeout;
        uint64_t stall_timeout;
        uint64_t max_request_body; /* of a request that is not an upload */
        struct networks trusted_proxies;
        bool proxy_protocol; /* they begin each connection with a PROXY header */
        enum forwarded_header forwarded_header;
    } listen;

    struct {
        /* 1 to ENDPOINTS_MAX: "http://host:port" or https, without trailing slash; "unix:/path" */
        char **endpoints;
        size_t endpoint_count;
        char *ca_file;          /* NULL: the CAs of the system */
        char *client_cert_file; /* both set, or both NULL */
        char *client_key_file;
        bool insecure;
        uint64_t health_interval; /* 0: off */
        uint64_t feed_interval;   /* 0: off */
        unsigned max_uploads;     /* at one endpoint at one time; 0: no limit */
        uint64_t queue_timeout;   /* of an upload beyond that; 0: none */
        uint64_t connect_timeout;
        uint64_t stall_timeout;
        uint64_t response_timeout;
    } glance;

    struct {
        uint64_t max_size;
        bool fix_content_type; /* else: strict */
        bool unwrap_multipart; /* else: reject */
        enum unknown_length unknown_length;
        enum slow_upload slow;
        uint64_t slow_rate; /* bytes per second */
        char *spool_dir;
        char *spool_dir_file; /* where spool_dir was set, for later error messages */
        int spool_dir_line;
        uint64_t spool_limit; /* over all workers */
        struct check_levels checks;
        enum glance_checks glance_checks;
        enum verify_mode verify;
        bool check_quota; /* check the quota of the project, and the space in the store */
    } upload;

    struct {
        uint64_t window;   /* how long an upload waits for its client; 0: off */
        unsigned max_held; /* over all workers */
        unsigned max_held_per_project;
        enum resume_backing backing;
    } resume;

    struct {
        char *auth_url; /* as configured; NULL: nobody logs in here */
        char *ca_file;  /* NULL: the CAs of the system */
    } keystone;

    struct {
        char **peers; /* admin listeners of the other proxies, "host:port"; this one may be there */
        size_t peer_count;
        char *key_file; /* that they share; NULL only without peers */
    } cluster;

    struct {
        char *file;
    } policy;

    struct {
        struct bind_address bind; /* text NULL: off */
    } admin;

    struct setting_place *places; /* where each key that needs a restart was set */
};

/* Where to read the configuration from: the files in this order, then the *.conf of each directory,
 * sorted by name. Later files win, key by key. All named files and directories must exist.
 * Zero-initialised: the default /etc/glance-intake/glance-intake.conf and
 * /etc/glance-intake/conf.d/, which may be absent. */
struct settings_sources {
    const char **files;
    size_t file_count;
    const char **dirs;
    size_t dir_count;
};

/* Reads all files. NULL: there are errors; `diagnostics` has all of them. Owned by the caller. */
struct settings *settings_load(const struct settings_sources *sources,
                               struct diagnostics *diagnostics);

/* The same, but returns settings even if there are errors (an invalid value leaves the previous
 * one). Use them only to look for more errors, never to run. NULL: no memory. */
struct settings *settings_read(const struct settings_sources *sources,
                               struct diagnostics *diagnostics);

/* Adds a line to `warnings` for each setting that is valid but probably not what was meant. */
void settings_warn(const struct settings *settings, struct diagnostics *warnings);

/* The setting that makes uploads go to spool_dir. NULL: none does. */
const char *settings_spool_user(const struct settings *settings);

/* The priority string for GnuTLS. Owned by the caller. NULL: no memory. */
char *settings_tls_priorities(const struct settings *settings);

/* Adds a line to `out` for each setting of `configured` that differs from `running` (the settings
 * at start) and needs a restart: with file, line and both values. */
void settings_needing_restart(const struct settings *running, const struct settings *configured,
                              struct diagnostics *out);

/* Writes the effective configuration as INI, with every key. No setting holds a secret: keys and
 * passwords are in files that the settings name. */
void settings_print(const struct settings *settings, struct buffer *out);

void settings_free(struct settings *settings);

#endif
