/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's certificate chain and key, read from files, shared by reference. */
#ifndef INTAKE_TLS_IDENTITY_H
#define INTAKE_TLS_IDENTITY_H

struct problems;
struct tls_identity;

/* NULL, with a problem per file, when either cannot be read or they do not belong together. */
struct tls_identity *tls_identity_load(const char *cert_file, const char *key_file,
                                       struct problems *problems);

void tls_identity_free(struct tls_identity *identity); /* NULL is fine */

#endif
