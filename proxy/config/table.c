/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all keys of glance-intake.conf. Loading, --print-config, the sample file and error
 * messages use these rows, in this order. */
#include "config/config_priv.h"

#define AT(member) offsetof(struct settings, member)
#define SECONDS(n) ((n)*UINT64_C(1000))
#define HOURS(n)   SECONDS((n)*UINT64_C(3600))

/* curl, poll and timers count milliseconds in an int; a week is well below its maximum. */
#define TIME_MAX HOURS(7 * 24)

/* clang-format off */
const struct setting settings_table[] = {
    {"DEFAULT", "debug", &kind_boolean, AT(debug), "false", 0, 0,
     "Log every step of every request. Tokens and keys are not logged at any level."},
    {"DEFAULT", "workers", &kind_count, AT(workers), "0", 0, 256,
     "Threads that serve clients. 0: one per CPU."},
    {"DEFAULT", "log_format", &kind_log_format, AT(log_format), "text", 0, 0,
     "text or json: one line per event either way."},
    {"DEFAULT", "log_file", &kind_path, AT(log_file), "", 0, 0,
     "The log file. Empty: standard error. The file is opened again on SIGHUP."},
    {"DEFAULT", "drain_timeout", &kind_time, AT(drain_timeout), "6h", 0, TIME_MAX,
     "How long uploads in flight may go on after SIGTERM or SIGINT."},

    {"listen", "bind", &kind_binds, 0, "0.0.0.0:9292", 0, 0,
     "Addresses to listen on: a list, such as 0.0.0.0:9292, [::]:9292."},
    {"listen", "tls_cert_file", &kind_path, AT(listen.tls_cert_file), "", 0, 0,
     "PEM file with the certificate and the chain above it. With it and tls_key_file set, every\n"
     "address above speaks TLS."},
    {"listen", "tls_key_file", &kind_path, AT(listen.tls_key_file), "", 0, 0,
     "PEM file with the key to the certificate."},
    {"listen", "tls_min_version", &kind_tls_version, AT(listen.tls_min_version), "1.2", 0, 0,
     "1.2 or 1.3: the oldest TLS version that is accepted. A change needs a restart."},
    {"listen", "max_connections", &kind_count, AT(listen.max_connections), "10000", 1, 1000000,
     "Connections of clients at one time, over all workers."},
    {"listen", "header_timeout", &kind_time, AT(listen.header_timeout), "10s", 100, HOURS(1),
     "How long a client may take to send the whole head of a request, from its first byte to its\n"
     "last. A new connection may take as long for its first byte, TLS handshake included."},
    {"listen", "keepalive_timeout", &kind_time, AT(listen.keepalive_timeout), "75s", 100, HOURS(24),
     "How long a connection may wait for the first byte of its next request."},
    {"listen", "stall_timeout", &kind_time, AT(listen.stall_timeout), "60s", 100, HOURS(24),
     "How long a client may send nothing, or accept nothing, while a byte is due. An upload as a\n"
     "whole has no time limit."},
    {"listen", "max_request_body", &kind_size, AT(listen.max_request_body), "1MiB", 1, INT64_MAX,
     "The largest body of a request that is no upload. Imports have a limit of their own of\n"
     "256 KiB. Updates that are checked may have neither more than this nor more than 256 KiB."},
    {"listen", "trusted_proxies", &kind_networks, 0, "", 0, 0,
     "The proxies in front of this one: a list of networks, such as 10.0.0.0/8, ::1. Their\n"
     "forwarded_header says who the client is."},
    {"listen", "forwarded_header", &kind_forwarded_header, AT(listen.forwarded_header),
     "x-forwarded-for", 0, 0,
     "The header that those proxies write: x-forwarded-for (with X-Forwarded-Proto, -Host and\n"
     "-Prefix) or forwarded. The other one comes from clients and is never used."},

    {"glance", "endpoint", &kind_endpoints, 0, "http://127.0.0.1:9393", 0, 0,
     "The Glance API behind this proxy: a list of http:// or https:// with host and port. The\n"
     "healthy ones take turns. If a connection cannot be opened, the next one is tried."},
    {"glance", "health_interval", &kind_time, AT(glance.health_interval), "5s", 0, HOURS(1),
     "How often each endpoint is asked for /healthcheck. One that fails twice is out until it\n"
     "succeeds twice. One that does not answer during an upload to it is only busy. 0: off."},
    {"glance", "ca_file", &kind_path, AT(glance.ca_file), "", 0, 0,
     "PEM file with the authorities that may sign Glance's certificate. Empty: the system's."},
    {"glance", "insecure", &kind_boolean, AT(glance.insecure), "false", 0, 0,
     "Accept any certificate of Glance. An attacker in between can then read every token."},
    {"glance", "connect_timeout", &kind_time, AT(glance.connect_timeout), "5s", 100, HOURS(1),
     "How long opening a connection to one endpoint may take."},
    {"glance", "stall_timeout", &kind_time, AT(glance.stall_timeout), "60s", 100, HOURS(24),
     "How long Glance may read no byte while there are bytes to send."},
    {"glance", "response_timeout", &kind_time, AT(glance.response_timeout), "6h", 100, TIME_MAX,
     "How long Glance may take to answer after the last byte. It answers an upload when the\n"
     "store has all of it, and S3 and RBD may take long."},

    {"upload", "max_size", &kind_size, AT(upload.max_size), "1TiB", 1, INT64_MAX,
     "The largest upload; a rule of the policy can set a lower limit."},
    {"upload", "content_type", &kind_content_type, AT(upload.fix_content_type), "fix", 0, 0,
     "fix: Glance gets application/octet-stream, whatever the client sends. strict: the client\n"
     "must send it."},
    {"upload", "multipart", &kind_multipart, AT(upload.unwrap_multipart), "unwrap", 0, 0,
     "unwrap: a file that is sent in a form (curl -F, Postman's form-data) is extracted.\n"
     "reject: it is refused."},
    {"upload", "unknown_length", &kind_unknown_length, AT(upload.unknown_length), "spool", 0, 0,
     "What happens to an upload without a length (as glance image-upload, Nova and Cinder send\n"
     "it). spool: it is kept in spool_dir until the length is known. stream: it is sent on at\n"
     "once, and Glance's S3 store reads all of it into memory. reject: it is refused."},
    {"upload", "spool_dir", &kind_path, AT(upload.spool_dir), "/var/spool/glance-intake", 0, 0,
     "Where uploads without a length are kept. The files have no name, so nothing is left over."},
    {"upload", "spool_limit", &kind_size, AT(upload.spool_limit), "200GiB", 1, INT64_MAX,
     "How much disk space all of them may use together."},
    {"upload", "damaged", &kind_check_level, AT(upload.checks.damaged), "reject", 0, 0,
     "reject, warn or off: image data that has lost bytes, as with curl -d, or that has other\n"
     "bytes in front, as with curl -i. warn: it passes; log, metrics and the header\n"
     "X-Intake-Warning report it."},
    {"upload", "format", &kind_check_level, AT(upload.checks.format), "reject", 0, 0,
     "reject, warn or off: image data that is not of the image's disk_format."},
    {"upload", "unsafe_format", &kind_check_level, AT(upload.checks.unsafe_format), "reject", 0, 0,
     "reject, warn or off: an image that would read other files of its host: a qcow2 with a\n"
     "backing file or a data file, a VMDK with extents in other files, or such an image as raw."},
    {"upload", "truncated", &kind_check_level, AT(upload.checks.truncated), "reject", 0, 0,
     "reject, warn or off: image data that ends before its own header says it does."},
    {"upload", "compressed", &kind_check_level, AT(upload.checks.compressed), "reject", 0, 0,
     "reject, warn or off: xz, zstd, bzip2, lz4, 7z or zip data that is declared raw. gzip only\n"
     "warns, as an initramfs is gzip."},
    {"upload", "glance_checks", &kind_glance_checks, AT(upload.glance_checks), "auto", 0, 0,
     "Glance 2025.1 and later inspects an image after storing it. An image that it then refuses\n"
     "cannot be used again. on: the proxy refuses such data first. auto: the same, after Glance\n"
     "has refused an upload like that. off: only Glance decides. The checks of a rule do not\n"
     "change this."},
    {"upload", "verify", &kind_verify, AT(upload.verify), "digest", 0, 0,
     "What is compared with Glance's image before the client gets a success. digest: size, store\n"
     "and the digest that Glance reports. size: size and store. off: Glance is not asked."},
    {"upload", "quota", &kind_quota, AT(upload.check_quota), "check", 0, 0,
     "check: an upload that exceeds the project's quota in Glance, or the space in its store, is\n"
     "refused before its first byte. off: neither is checked."},

    {"policy", "file", &kind_path, AT(policy.file), "/etc/glance-intake/policy.yaml", 1, 0,
     "Which upload goes to which store."},

    {"admin", "bind", &kind_bind, AT(admin.bind), "127.0.0.1:9294", 0, 0,
     "Address of /healthz, /readyz, /metrics and /uploads. Empty: off. It needs no\n"
     "password, so keep it off the network of your users."},
};
/* clang-format on */

const size_t settings_table_count = sizeof settings_table / sizeof settings_table[0];
