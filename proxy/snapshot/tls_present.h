/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where an identity is shown to GnuTLS. */
#ifndef SNAPSHOT_TLS_PRESENT_H
#define SNAPSHOT_TLS_PRESENT_H

#include <gnutls/abstract.h>

struct tls_identity;

/* For GnuTLS's certificate callback. All that it gives stays the identity's. */
void tls_identity_present(struct tls_identity *identity, gnutls_pcert_st **chain, unsigned *count,
                          gnutls_privkey_t *key);

#endif
