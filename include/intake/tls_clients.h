/* SPDX-License-Identifier: Apache-2.0 */
/* The authorities that may sign the certificates of clients, read from a file. A snapshot owns
 * them. Immutable. */
#ifndef INTAKE_TLS_CLIENTS_H
#define INTAKE_TLS_CLIENTS_H

struct diagnostics;
struct tls_clients;

/* Owned by the caller. NULL: the file cannot be read, or has no certificate; `diagnostics` has a
 * line. NULL without a line: no memory. */
struct tls_clients *tls_clients_load(const char *ca_file, struct diagnostics *diagnostics);

void tls_clients_free(struct tls_clients *clients); /* NULL is fine */

#endif
