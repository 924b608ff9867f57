/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of TLS for clients: ciphers and certificate. libmicrohttpd supports GnuTLS only. By
 * itself it would read the certificate once; a callback per handshake lets a reload replace it. */
#include "intake/snapshot.h"
#include "listener/listener_priv.h"
#include "snapshot/tls_present.h"

/* Only key exchanges with forward secrecy: a key that leaks later does not decrypt recorded
 * connections. The server's order decides: processors compute AES-GCM in hardware, and ChaCha20
 * takes many times as long. The CBC ciphers at the end are for TLS 1.2 clients without GCM. */
#define CIPHERS                                                                                    \
    ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AES-256-CBC:+AES-128-CBC"          \
    ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:%SERVER_PRECEDENCE"

const char *tls_priorities(enum tls_version least)
{
    if (least == TLS_VERSION_1_3)
        return "NORMAL:-VERS-ALL:+VERS-TLS1.3" CIPHERS;
    return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" CIPHERS;
}

/* The session's pointer is libmicrohttpd's connection. The snapshot that our connection holds keeps
 * the identity alive during the handshake. */
int tls_present(gnutls_session_t session, const gnutls_datum_t *req_ca_dn, int nreqs,
                const gnutls_pk_algorithm_t *pk_algos, int pk_algos_length, gnutls_pcert_st **pcert,
                unsigned *pcert_length, gnutls_privkey_t *pkey)
{
    (void)req_ca_dn;
    (void)nreqs;
    (void)pk_algos;
    (void)pk_algos_length;
    struct connection *connection = connection_of(gnutls_session_get_ptr(session));
    struct tls_identity *identity = connection ? connection->snapshot->tls : NULL;
    if (!identity)
        return -1;
    tls_identity_present(identity, pcert, pcert_length, pkey);
    return 0;
}
