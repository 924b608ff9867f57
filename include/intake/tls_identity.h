/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate chain and key of the listener, read from files. A snapshot owns them. */
#ifndef INTAKE_TLS_IDENTITY_H
#define INTAKE_TLS_IDENTITY_H

#include <stdint.h>

struct diagnostics;
struct tls_identity;

/* Owned by the caller. NULL: a file cannot be read, or key and certificate do not match;
 * `diagnostics` has a line per file. NULL without a line: no memory. */
struct tls_identity *tls_identity_load(const char *cert_file, const char *key_file,
                                       struct diagnostics *diagnostics);

/* Adds a line if [glance] client_cert_file and client_key_file cannot be used. */
void tls_identity_check_files(const char *cert_file, const char *key_file,
                              struct diagnostics *diagnostics);

/* Adds a line for each certificate of the chain that is not valid now. tls_identity_load() accepts
 * such a certificate: refusing to start would turn a warning in clients into an outage. `identity`
 * may be NULL. */
void tls_identity_check_time(const struct tls_identity *identity, const char *cert_file,
                             struct diagnostics *diagnostics);

/* When the first certificate of the chain expires, in seconds since 1970. 0: `identity` is NULL, or
 * it is not known. */
int64_t tls_identity_expires(const struct tls_identity *identity);

void tls_identity_free(struct tls_identity *identity); /* NULL is fine */

#endif
