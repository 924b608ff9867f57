/* SPDX-License-Identifier: Apache-2.0 */
/* Gives an identity to GnuTLS. Only this header has types of GnuTLS. */
#ifndef SNAPSHOT_TLS_PRESENT_H
#define SNAPSHOT_TLS_PRESENT_H

#include <gnutls/abstract.h>

struct tls_identity;

/* For GnuTLS's certificate callback. The results are borrowed from the identity. */
void tls_identity_present(struct tls_identity *identity, gnutls_pcert_st **chain, unsigned *count,
                          gnutls_privkey_t *key);

#endif
