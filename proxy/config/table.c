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
    {"DEFAULT", "access_log", &kind_access_log, AT(access_log), "uploads", 0, 0,
     "Which requests have a line when they end. off: none. uploads: uploads, imports, and what\n"
     "else was refused on its way into a store. all: every request."},
    {"DEFAULT", "drain_timeout", &kind_time, AT(drain_timeout), "6h", 0, TIME_MAX,
     "How long uploads in flight may go on after SIGTERM or SIGINT."},

    {"listen", "bind", &kind_binds, 0, "0.0.0.0:9292", 0, 0,
     "Addresses to listen on: a list, such as 0.0.0.0:9292, [::]:9292, or unix:/path for a unix\n"
     "socket."},
    {"listen", "tls_cert_file", &kind_path, AT(listen.tls_cert_file), "", 0, 0,
     "PEM file with the certificate and the chain above it. With it and tls_key_file set, every\n"
     "address above speaks TLS."},
    {"listen", "tls_key_file", &kind_path, AT(listen.tls_key_file), "", 0, 0,
     "PEM file with the key to the certificate."},
    {"listen", "tls_min_version", &kind_tls_version, AT(listen.tls_min_version), "1.2", 0, 0,
     "1.2 or 1.3: the oldest TLS version that is accepted. A change needs a restart."},
    {"listen", "tls_ciphers", &kind_path, AT(listen.tls_ciphers), "", 0, 0,
     "A GnuTLS priority string, such as SECURE256. Empty: AES-GCM and ChaCha20 with forward\n"
     "secrecy. tls_min_version counts in any case. A change needs a restart."},
    {"listen", "tls_client_ca_file", &kind_path, AT(listen.tls_client_ca_file), "", 0, 0,
     "PEM file with authorities. With it, a client must show a certificate that one of them has\n"
     "signed; others get 403."},
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
     "forwarded_header says who the client is. unix: stands for all that use a unix socket."},
    {"listen", "proxy_protocol", &kind_boolean, AT(listen.proxy_protocol), "false", 0, 0,
     "The trusted_proxies begin each connection with a header of the PROXY protocol, version 1\n"
     "or 2, before TLS. It names the client. A connection of theirs without it is closed."},
    {"listen", "forwarded_header", &kind_forwarded_header, AT(listen.forwarded_header),
     "x-forwarded-for", 0, 0,
     "The header that those proxies write: x-forwarded-for (with X-Forwarded-Proto, -Host and\n"
     "-Prefix) or forwarded. The other one comes from clients and is never used."},

    {"glance", "endpoint", &kind_endpoints, 0, "http://127.0.0.1:9393", 0, 0,
     "The Glance API behind this proxy: a list of http:// or https:// with host and port, or\n"
     "unix:/path. The healthy ones take turns. If a connection cannot be opened, the next one is\n"
     "tried."},
    {"glance", "health_interval", &kind_time, AT(glance.health_interval), "5s", 0, HOURS(1),
     "How often each endpoint is asked for /healthcheck. One that fails twice is out until it\n"
     "succeeds twice. One that does not answer during an upload to it is only busy. 0: off."},
    {"glance", "feed_interval", &kind_time, AT(glance.feed_interval), "3s", 0, HOURS(1),
     "The proxy stays a few hundred bytes behind a client. While the client is silent in the\n"
     "middle of its data, Glance gets one of them this often, so that uWSGI's socket-timeout\n"
     "does not end the upload. It must be shorter than that timeout. 0: off."},
    {"glance", "max_uploads", &kind_count, AT(glance.max_uploads), "0", 0, 100000,
     "Uploads at one endpoint at one time. More wait in order, before their 100 Continue. Set it\n"
     "below the number of Glance's processes, and all other requests are always served. 0: no\n"
     "limit."},
    {"glance", "queue_timeout", &kind_time, AT(glance.queue_timeout), "1h", 0, TIME_MAX,
     "How long an upload may wait for that. Then it is refused with 429 too_many_uploads. 0: as\n"
     "long as its client waits."},
    {"glance", "ca_file", &kind_path, AT(glance.ca_file), "", 0, 0,
     "PEM file with the authorities that may sign Glance's certificate. Empty: the system's."},
    {"glance", "client_cert_file", &kind_path, AT(glance.client_cert_file), "", 0, 0,
     "PEM file with the certificate that this proxy shows to Glance, and the chain above it."},
    {"glance", "client_key_file", &kind_path, AT(glance.client_key_file), "", 0, 0,
     "PEM file with the key to that certificate."},
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
     "once, and Glance's S3 store reads all of it into memory. reject: it is refused. A store\n"
     "can have its own: `stores` in policy.yaml."},
    {"upload", "slow", &kind_slow_upload, AT(upload.slow), "stream", 0, 0,
     "spool: an upload whose opening seconds are slower than slow_rate is kept in spool_dir\n"
     "until it is complete. Then Glance gets it in one go. So a slow client does not occupy a\n"
     "process of Glance. stream: every upload is sent on as it comes."},
    {"upload", "slow_rate", &kind_size, AT(upload.slow_rate), "2MiB", 1, INT64_C(1) << 40,
     "Bytes per second."},
    {"upload", "spool_dir", &kind_path, AT(upload.spool_dir), "/var/spool/glance-intake", 0, 0,
     "Where uploads without a length, and slow ones, are kept. The files have no name, so\n"
     "nothing is left over."},
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
    {"upload", "compressed", &kind_compressed, AT(upload.checks.compressed), "reject", 0, 0,
     "reject, warn or off: xz, zstd, bzip2, lz4, 7z or zip data that is declared raw. gzip only\n"
     "warns, as an initramfs is gzip. decompress: gzip, xz, zstd and bzip2 data is decompressed,\n"
     "and a disk is taken out of a compressed tar; lz4, 7z and zip are rejected."},
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

    {"resume", "window", &kind_time, AT(resume.window), "15m", 0, HOURS(24),
     "How long an upload that has lost its client waits for it to come back and go on. Glance's\n"
     "request stays open meanwhile. 0: off."},
    {"resume", "max_held", &kind_count, AT(resume.max_held), "64", 1, 100000,
     "How many uploads may wait for their clients at one time. One more ends the one that has\n"
     "waited longest."},
    {"resume", "max_held_per_project", &kind_count, AT(resume.max_held_per_project), "4", 1, 100000,
     "The same for one project."},
    {"resume", "backing", &kind_backing, AT(resume.backing), "hold", 0, 0,
     "hold: the data goes to Glance as it comes, and Glance's request stays open while the\n"
     "upload waits. spool: the data is kept in spool_dir until it is whole, and survives a\n"
     "restart. Then Glance gets it in one go."},

    {"cluster", "peers", &kind_peers, 0, "", 0, 0,
     "The admin listeners of the other proxies before the same Glance: a list of HOST:PORT. What\n"
     "they have in flight counts here, too. This proxy itself may be in the list."},
    {"cluster", "key_file", &kind_path, AT(cluster.key_file), "", 0, 0,
     "A file with the key that all of them share, of at least 32 characters. Only the service\n"
     "may read it."},

    {"keystone", "auth_url", &kind_path, AT(keystone.auth_url), "", 0, 0,
     "Keystone, such as https://keystone.example.org:5000/v3, for users who upload with their\n"
     "password or an application credential. Empty: only tokens are accepted. A change needs a\n"
     "restart."},
    {"keystone", "ca_file", &kind_path, AT(keystone.ca_file), "", 0, 0,
     "PEM file with the authorities that may sign Keystone's certificate. Empty: the system's.\n"
     "A change needs a restart."},

    {"policy", "file", &kind_path, AT(policy.file), "/etc/glance-intake/policy.yaml", 1, 0,
     "Which upload goes to which store."},

    {"admin", "bind", &kind_bind, AT(admin.bind), "127.0.0.1:9294", 0, 0,
     "Address of /healthz, /readyz, /metrics and /uploads. Empty: off. It needs no\n"
     "password, so keep it off the network of your users."},
};
/* clang-format on */

const size_t settings_table_count = sizeof settings_table / sizeof settings_table[0];
