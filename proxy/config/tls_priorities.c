/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the priority string for GnuTLS from the settings, and checks it. */
#include "config/config_priv.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>

/* Only key exchanges with forward secrecy: a key that leaks later does not decrypt recorded
 * connections. The server's order decides: processors compute AES-GCM in hardware, and ChaCha20
 * takes many times as long. The CBC ciphers at the end are for TLS 1.2 clients without GCM. */
static const char CIPHERS[] =
    "NORMAL:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AES-256-CBC:+AES-128-CBC"
    ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:%SERVER_PRECEDENCE";

/* tls_min_version comes last, so that it also holds with ciphers of the operator. */
char *settings_tls_priorities(const struct settings *settings)
{
    const char *ciphers = settings->listen.tls_ciphers;
    bool both = settings->listen.tls_min_version == TLS_VERSION_1_2;
    char *text = NULL;
    return asprintf(&text, "%s:-VERS-ALL:+VERS-TLS1.3%s", ciphers ? ciphers : CIPHERS,
                    both ? ":+VERS-TLS1.2" : "") < 0
               ? NULL
               : text;
}

const char *tls_priorities_fault(const struct settings *settings)
{
    gnutls_priority_t priorities = NULL;
    char *text = settings_tls_priorities(settings);
    if (!text)
        return "no memory";
    int code = gnutls_priority_init(&priorities, text, NULL);
    free(text);
    if (code == GNUTLS_E_SUCCESS)
        gnutls_priority_deinit(priorities);
    if (code == GNUTLS_E_NO_PRIORITIES_WERE_SET)
        return "leaves no cipher; it may have to begin with NORMAL";
    return code == GNUTLS_E_SUCCESS ? NULL
                                    : "is not a priority string of GnuTLS, such as SECURE256";
}
