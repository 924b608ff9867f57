/* SPDX-License-Identifier: Apache-2.0 */
/* Gives an identity to GnuTLS. Only this header has types of GnuTLS. */
#ifndef SNAPSHOT_TLS_PRESENT_H
#define SNAPSHOT_TLS_PRESENT_H

#include <gnutls/abstract.h>

#include <stdbool.h>

struct tls_clients;
struct tls_identity;

/* For GnuTLS's certificate callback. The results are borrowed from the identity. */
void tls_identity_present(struct tls_identity *identity, gnutls_pcert_st **chain, unsigned *count,
                          gnutls_privkey_t *key);

/* Whether one of the authorities has signed the chain that a client sent, for the purpose of a
 * client, and it is valid now. `sent` NULL: it sent none. Thread-safe. */
bool tls_clients_accept(const struct tls_clients *clients, const gnutls_datum_t *sent,
                        unsigned count);

#endif
