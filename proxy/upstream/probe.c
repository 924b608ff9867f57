/* SPDX-License-Identifier: Apache-2.0 */
/* One health check: its options in libcurl, and the meaning of its result. */
#include "intake/probe.h"
#include "upstream/probe_handle.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "upstream/glance_server.h"

#include <stdio.h>

static size_t discard(const char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static bool set_options(CURL *easy, long timeout)
{
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code ? code : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    /* Aborting a name look-up must not wait for its end. */
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_TIMEOUT_MS, timeout);
    /* The check includes opening a connection. */
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_WRITEFUNCTION, discard);
    SET(CURLOPT_USERAGENT, "glance-intake/" INTAKE_VERSION);
#undef SET
    return code == CURLE_OK;
}

bool probe_prepare(CURL *easy, const struct settings *settings, const char *endpoint,
                   uint64_t timeout)
{
    curl_easy_reset(easy);
    return set_options(easy, timeout ? (long)timeout : 1L) &&
           glance_server_set_tls(easy, settings) &&
           glance_server_set_address(easy, endpoint, "/healthcheck");
}

/* A Glance without this page, or with authentication before it, is healthy. If an operator disables
 * Glance by the file of its healthcheck middleware, the answer is 503. */
static enum endpoint_health by_status(CURL *easy, const char *endpoint, char *why, size_t why_size)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    snprintf(why, why_size, "Glance at %s answers its health check with status %ld", endpoint,
             status);
    return status < 500 ? HEALTH_WELL : HEALTH_FAILED;
}

enum endpoint_health probe_result(CURL *easy, CURLcode code, const char *endpoint, char *why,
                                  size_t why_size)
{
    if (code == CURLE_OK)
        return by_status(easy, endpoint, why, why_size);
    snprintf(why, why_size, "Glance at %s does not answer: %s", endpoint, curl_easy_strerror(code));
    if (code == CURLE_OUT_OF_MEMORY)
        return HEALTH_UNASKED;
    return code == CURLE_OPERATION_TIMEDOUT ? HEALTH_SILENT : HEALTH_FAILED;
}

static bool is_well(CURL *easy, const struct settings *settings, const char *endpoint,
                    uint64_t timeout, char *why, size_t why_size)
{
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (probe_prepare(easy, settings, endpoint, timeout))
        code = curl_easy_perform(easy);
    return probe_result(easy, code, endpoint, why, why_size) == HEALTH_WELL;
}

bool glance_probe(const struct settings *settings, char *why, size_t why_size)
{
    CURL *easy = curl_easy_init();
    snprintf(why, why_size, "Glance cannot be asked: out of memory");
    if (!easy)
        return false;
    uint64_t deadline = clock_ms() + PROBE_TIMEOUT_MS;
    size_t count = settings->glance.endpoint_count;
    bool well = false;
    for (size_t i = 0; i < count && !well; i++) {
        /* An even share of the remaining time, so that one endpoint that drops packets leaves time
         * for the others. */
        uint64_t now = clock_ms();
        uint64_t left = now < deadline ? deadline - now : 0;
        well = is_well(easy, settings, settings->glance.endpoints[i], left / (count - i), why,
                       why_size);
    }
    curl_easy_cleanup(easy);
    return well;
}
