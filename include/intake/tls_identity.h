/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate chain and key of the listener, read from files. A snapshot owns them. */
#ifndef INTAKE_TLS_IDENTITY_H
#define INTAKE_TLS_IDENTITY_H

struct diagnostics;
struct tls_identity;

/* Owned by the caller. NULL: a file cannot be read, or key and certificate do not match;
 * `diagnostics` has a line per file. NULL without a line: no memory. */
struct tls_identity *tls_identity_load(const char *cert_file, const char *key_file,
                                       struct diagnostics *diagnostics);

/* Adds a line for each certificate of the chain that is not valid now. tls_identity_load() accepts
 * such a certificate: refusing to start would turn a warning in clients into an outage. `identity`
 * may be NULL. */
void tls_identity_check_time(const struct tls_identity *identity, const char *cert_file,
                             struct diagnostics *diagnostics);

void tls_identity_free(struct tls_identity *identity); /* NULL is fine */

#endif
