/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's certificate chain and key, read from files, shared by reference. */
#ifndef INTAKE_TLS_IDENTITY_H
#define INTAKE_TLS_IDENTITY_H

struct diagnostics;
struct tls_identity;

/* NULL, with a problem per file, when either cannot be read or they do not belong together. */
struct tls_identity *tls_identity_load(const char *cert_file, const char *key_file,
                                       struct diagnostics *diagnostics);

/* A problem for each certificate of the chain that is not valid now: one that has expired does not
 * keep the program from starting, which would turn a warning of clients into an outage. */
void tls_identity_check_time(const struct tls_identity *identity, const char *cert_file,
                             struct diagnostics *diagnostics);

void tls_identity_free(struct tls_identity *identity); /* NULL is fine */

#endif
