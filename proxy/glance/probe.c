/* SPDX-License-Identifier: Apache-2.0 */
/* The probe is not a transfer of a worker: it blocks, has a handle of its own, and knows nothing
 * of the workers' opinion on which endpoint is dead. */
#include "intake/probe.h"

#include "intake/clock.h"
#include "intake/settings.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUDGET_MS = 2000 };

static size_t discard(const char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static bool prepare(CURL *easy, const struct settings *settings, const char *url, long timeout_ms)
{
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code ? code : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(CURLOPT_WRITEFUNCTION, discard);
    SET(CURLOPT_USERAGENT, "glance-intake/" INTAKE_VERSION);
    if (settings->glance.ca_file)
        SET(CURLOPT_CAINFO, settings->glance.ca_file);
    if (settings->glance.insecure) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
#undef SET
    return code == CURLE_OK;
}

/* One endpoint. False: `why` is set. */
static bool answers(CURL *easy, const struct settings *settings, const char *endpoint,
                    long timeout_ms, char *why, size_t why_size)
{
    char *url = NULL;
    bool ready = asprintf(&url, "%s/healthcheck", endpoint) >= 0;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    curl_easy_reset(easy);
    if (ready && prepare(easy, settings, url, timeout_ms))
        code = curl_easy_perform(easy);
    if (ready)
        free(url);
    if (code != CURLE_OK) {
        snprintf(why, why_size, "Glance at %s does not answer: %s", endpoint,
                 curl_easy_strerror(code));
        return false;
    }
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    snprintf(why, why_size, "Glance at %s answers its health check with status %ld", endpoint,
             status);
    return status >= 200 && status < 300;
}

bool glance_probe(const struct settings *settings, char *why, size_t why_size)
{
    CURL *easy = curl_easy_init();
    snprintf(why, why_size, "Glance cannot be asked: out of memory");
    if (!easy)
        return false;
    uint64_t deadline = clock_ms() + BUDGET_MS;
    size_t count = settings->glance.endpoint_count;
    bool alive = false;
    for (size_t i = 0; i < count && !alive; i++) {
        /* An even share of what is left, so that one endpoint that swallows packets does not
         * keep the others from being asked. */
        uint64_t now = clock_ms();
        uint64_t left = now < deadline ? deadline - now : 0;
        long share = (long)(left / (count - i));
        alive = answers(easy, settings, settings->glance.endpoints[i], share > 0 ? share : 1, why,
                        why_size);
    }
    curl_easy_cleanup(easy);
    return alive;
}
