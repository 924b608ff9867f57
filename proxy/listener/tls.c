/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for clients: the proxy's certificate, and theirs. libmicrohttpd supports GnuTLS only. By
 * itself it would read certificates once; here each handshake uses those of the current snapshot,
 * so a reload replaces them. */
#include "intake/snapshot.h"
#include "listener/listener_priv.h"
#include "snapshot/tls_present.h"

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

void tls_ask_for_certificate(struct connection *connection, gnutls_session_t session)
{
    if (connection->snapshot->clients)
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
}

/* A client without a certificate gets an answer that says so, as from nginx; a handshake that fails
 * would tell its user nothing. GnuTLS has checked that the client has the key. */
static bool has_certificate(const struct connection *connection)
{
    unsigned count = 0;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const gnutls_datum_t *sent =
        info ? gnutls_certificate_get_peers(info->tls_session, &count) : NULL;
    return tls_clients_accept(connection->snapshot->clients, sent, count);
}

bool client_is_certified(struct client *client)
{
    struct connection *connection = client->connection;
    if (!connection->tls || !connection->snapshot->clients)
        return true;
    if (connection->certificate == CERTIFICATE_UNCHECKED)
        connection->certificate =
            has_certificate(connection) ? CERTIFICATE_ACCEPTED : CERTIFICATE_REFUSED;
    return connection->certificate == CERTIFICATE_ACCEPTED;
}
