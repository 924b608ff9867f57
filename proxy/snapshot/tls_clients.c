/* SPDX-License-Identifier: Apache-2.0 */
/* The authorities that may sign the certificates of clients. */
#include "intake/tls_clients.h"
#include "snapshot/tls_present.h"

#include "intake/diagnostics.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 16 };

struct tls_clients {
    gnutls_x509_trust_list_t authorities;
};

static const char *reason(int code)
{
    if (code == GNUTLS_E_FILE_ERROR)
        return strerror(errno);
    return code < 0 ? gnutls_strerror(code) : "there is none in it, in PEM form";
}

/* Returns the number of certificates that were added, or a negative code of GnuTLS. */
static int add_file(struct tls_clients *clients, const char *ca_file)
{
    int code = gnutls_x509_trust_list_init(&clients->authorities, 0);
    return code < 0 ? code
                    : gnutls_x509_trust_list_add_trust_file(clients->authorities, ca_file, NULL,
                                                            GNUTLS_X509_FMT_PEM, 0, 0);
}

struct tls_clients *tls_clients_load(const char *ca_file, struct diagnostics *diagnostics)
{
    struct tls_clients *clients = calloc(1, sizeof *clients);
    if (!clients)
        return NULL;
    int added = add_file(clients, ca_file);
    if (added > 0)
        return clients;
    diagnostics_add(diagnostics, ca_file, 0, "tls_client_ca_file: no certificate could be read: %s",
                    reason(added));
    tls_clients_free(clients);
    return NULL;
}

void tls_clients_free(struct tls_clients *clients)
{
    if (!clients)
        return;
    if (clients->authorities)
        gnutls_x509_trust_list_deinit(clients->authorities, 1);
    free(clients);
}

/* A certificate may be limited to other purposes (RFC 5280 4.2.1.12); then it is not accepted. */
static bool is_signed(const struct tls_clients *clients, gnutls_x509_crt_t *chain, unsigned count)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned faults = 0;
    int code = gnutls_x509_trust_list_verify_crt2(clients->authorities, chain, count, &purpose, 1,
                                                  0, &faults, NULL);
    return code == GNUTLS_E_SUCCESS && faults == 0;
}

bool tls_clients_accept(const struct tls_clients *clients, const gnutls_datum_t *sent,
                        unsigned count)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned read = 0;
    if (!sent || count == 0 || count > CHAIN_MAX)
        return false;
    for (; read < count && gnutls_x509_crt_init(&chain[read]) == GNUTLS_E_SUCCESS; read++)
        if (gnutls_x509_crt_import(chain[read], &sent[read], GNUTLS_X509_FMT_DER) != 0) {
            gnutls_x509_crt_deinit(chain[read]);
            break;
        }
    bool accepted = read == count && is_signed(clients, chain, count);
    while (read)
        gnutls_x509_crt_deinit(chain[--read]);
    return accepted;
}
