/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps passwords from staying in memory and from getting into a core.
 *
 * A password comes in a head over TLS, and leaves in a request to Keystone. On its way are buffers
 * of GnuTLS (a record), jansson (the JSON) and libcurl (the request), which end with free(). These
 * libraries let their caller choose another function. libmicrohttpd does not, and keeps the head as
 * long as the request: client_wipe_secrets() wipes it there.
 *
 * Only with logins: a process without dumpable memory cannot be debugged by its own user, and its
 * files in /proc belong to root. */
#include "server/secrets.h"

#include "intake/log.h"
#include "intake/secret.h"

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

bool secrets_prepare(bool logins)
{
    if (!logins)
        return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    gnutls_free = secret_free;
    json_set_alloc_funcs(malloc, secret_free);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, secret_free, secret_realloc, strdup,
                             calloc) != CURLE_OK)
        return false;
    bool kept = prctl(PR_SET_DUMPABLE, 0) == 0;
    if (!kept)
        log_say(LOG_LEVEL_ERROR, "cores of this process cannot be switched off: %m");
    return kept;
}
