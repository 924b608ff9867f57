/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and checks the certificate chain and key that the listener presents to clients. */
#include "intake/tls_identity.h"
#include "snapshot/tls_present.h"

#include "intake/diagnostics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHAIN_MAX = 16 };

struct tls_identity {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned chain_count;
    gnutls_privkey_t key;
};

/* Replaces messages of GnuTLS that would not help the operator. */
static const char *reason(int code)
{
    switch (code) {
    case GNUTLS_E_FILE_ERROR:
        return strerror(errno);
    case GNUTLS_E_SHORT_MEMORY_BUFFER:
        return "too many certificates for one chain";
    case GNUTLS_E_DECRYPTION_FAILED:
        return "it needs a passphrase; use a key without one";
    case GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR:
    case GNUTLS_E_BASE64_DECODING_ERROR:
    case GNUTLS_E_ASN1_TAG_ERROR:
    case GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE:
        return "there is none in it, in PEM form";
    default:
        return gnutls_strerror(code);
    }
}

/* A file, and the setting that names it. */
struct source {
    const char *file, *setting;
};

static bool load_chain(struct tls_identity *identity, struct source from,
                       struct diagnostics *diagnostics)
{
    gnutls_datum_t pem = {0};
    int code = gnutls_load_file(from.file, &pem);
    if (code == 0) {
        unsigned count = CHAIN_MAX;
        code = gnutls_pcert_list_import_x509_raw(identity->chain, &count, &pem, GNUTLS_X509_FMT_PEM,
                                                 GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
        if (code == 0)
            identity->chain_count = count;
    }
    gnutls_free(pem.data);
    if (code != 0)
        diagnostics_add(diagnostics, from.file, 0, "%s: no certificate could be read: %s",
                        from.setting, reason(code));
    return code == 0;
}

static bool load_key(struct tls_identity *identity, struct source from,
                     struct diagnostics *diagnostics)
{
    gnutls_datum_t pem = {0};
    int code = gnutls_load_file(from.file, &pem);
    if (code == 0)
        code = gnutls_privkey_init(&identity->key);
    if (code == 0)
        code = gnutls_privkey_import_x509_raw(identity->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (pem.data)
        gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    if (code != 0)
        diagnostics_add(diagnostics, from.file, 0, "%s: no private key could be read: %s",
                        from.setting, reason(code));
    return code == 0;
}

/* Checks key and certificate: signs with one and verifies with the other. */
static bool check_pair(const struct tls_identity *identity, struct source key,
                       struct diagnostics *diagnostics)
{
    static const gnutls_datum_t text = {(unsigned char *)"glance-intake", 13};
    gnutls_pubkey_t public_key = identity->chain[0].pubkey;
    gnutls_digest_algorithm_t hash;
    if (gnutls_pubkey_get_preferred_hash_algorithm(public_key, &hash, NULL) != 0)
        hash = GNUTLS_DIG_SHA256;
    gnutls_datum_t signature = {0};
    int code = gnutls_privkey_sign_data(identity->key, hash, 0, &text, &signature);
    if (code == 0) {
        int pk = gnutls_pubkey_get_pk_algorithm(public_key, NULL);
        gnutls_sign_algorithm_t sign = gnutls_pk_to_sign((gnutls_pk_algorithm_t)pk, hash);
        code = gnutls_pubkey_verify_data2(public_key, sign, 0, &text, &signature);
    }
    gnutls_free(signature.data);
    if (code < 0)
        diagnostics_add(diagnostics, key.file, 0, "%s: this key does not belong to the certificate",
                        key.setting);
    return code >= 0;
}

static void check_time(gnutls_x509_crt_t cert, const char *file, struct diagnostics *diagnostics)
{
    time_t now = time(NULL);
    time_t from = gnutls_x509_crt_get_activation_time(cert);
    time_t until = gnutls_x509_crt_get_expiration_time(cert);
    struct tm parts;
    char date[32];
    time_t shown = now > until ? until : from;
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&shown, &parts));
    if (now > until)
        diagnostics_add(diagnostics, file, 0,
                        "tls_cert_file: a certificate in it has expired on %s", date);
    else if (now < from)
        diagnostics_add(diagnostics, file, 0,
                        "tls_cert_file: a certificate in it is not valid before %s", date);
}

int64_t tls_identity_expires(const struct tls_identity *identity)
{
    int64_t first = 0;
    for (unsigned i = 0; identity && i < identity->chain_count; i++) {
        gnutls_pcert_st row = identity->chain[i];
        gnutls_x509_crt_t cert = NULL;
        if (gnutls_pcert_export_x509(&row, &cert) != 0)
            continue;
        int64_t until = gnutls_x509_crt_get_expiration_time(cert);
        first = first == 0 || until < first ? until : first;
        gnutls_x509_crt_deinit(cert);
    }
    return first;
}

void tls_identity_check_time(const struct tls_identity *identity, const char *cert_file,
                             struct diagnostics *diagnostics)
{
    for (unsigned i = 0; identity && i < identity->chain_count; i++) {
        gnutls_pcert_st row = identity->chain[i];
        gnutls_x509_crt_t cert = NULL;
        if (gnutls_pcert_export_x509(&row, &cert) != 0)
            continue;
        check_time(cert, cert_file, diagnostics);
        gnutls_x509_crt_deinit(cert);
    }
}

static struct tls_identity *load(struct source cert, struct source key,
                                 struct diagnostics *diagnostics)
{
    struct tls_identity *identity = calloc(1, sizeof *identity);
    if (!identity)
        return NULL;
    bool chain_read = load_chain(identity, cert, diagnostics);
    bool key_read = load_key(identity, key, diagnostics);
    if (!chain_read || !key_read || !check_pair(identity, key, diagnostics)) {
        tls_identity_free(identity);
        return NULL;
    }
    return identity;
}

struct tls_identity *tls_identity_load(const char *cert_file, const char *key_file,
                                       struct diagnostics *diagnostics)
{
    return load((struct source){cert_file, "tls_cert_file"},
                (struct source){key_file, "tls_key_file"}, diagnostics);
}

void tls_identity_check_files(const char *cert_file, const char *key_file,
                              struct diagnostics *diagnostics)
{
    tls_identity_free(load((struct source){cert_file, "client_cert_file"},
                           (struct source){key_file, "client_key_file"}, diagnostics));
}

void tls_identity_free(struct tls_identity *identity)
{
    if (!identity)
        return;
    for (unsigned i = 0; i < identity->chain_count; i++)
        gnutls_pcert_deinit(&identity->chain[i]);
    if (identity->key)
        gnutls_privkey_deinit(identity->key);
    free(identity);
}

void tls_identity_present(struct tls_identity *identity, gnutls_pcert_st **chain, unsigned *count,
                          gnutls_privkey_t *key)
{
    *chain = identity->chain;
    *count = identity->chain_count;
    *key = identity->key;
}
