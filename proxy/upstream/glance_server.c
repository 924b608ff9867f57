/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's options for an endpoint of Glance: its address and its TLS. */
#include "upstream/glance_server.h"

#include "intake/endpoint.h"
#include "intake/settings.h"

#include <stdio.h>
#include <stdlib.h>

/* Connections on a unix socket are not kept: they have no port by which idle_connections.c could
 * recognise them, and a new one costs little. */
bool glance_server_set_address(CURL *easy, const char *endpoint, const char *path)
{
    const char *socket = unix_path(endpoint);
    char *url = NULL;
    if (asprintf(&url, "%s%s", socket ? "http://localhost" : endpoint, path) < 0)
        return false;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
    free(url);
    if (!code)
        code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket);
    if (socket) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    return code == CURLE_OK;
}

bool glance_server_set_tls(CURL *easy, const struct settings *settings)
{
    CURLcode code = CURLE_OK;
    if (settings->glance.ca_file)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, settings->glance.ca_file);
    if (!code && settings->glance.client_cert_file)
        code = curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->glance.client_cert_file);
    if (!code && settings->glance.client_key_file)
        code = curl_easy_setopt(easy, CURLOPT_SSLKEY, settings->glance.client_key_file);
    if (settings->glance.insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return code == CURLE_OK;
}
