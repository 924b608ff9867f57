/* SPDX-License-Identifier: Apache-2.0 */
/* One health check of one endpoint, by a handle of libcurl that is the caller's. */
#ifndef UPSTREAM_PROBE_HANDLE_H
#define UPSTREAM_PROBE_HANDLE_H

#include "intake/endpoints.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

struct settings;

/* Makes the handle ask GET /healthcheck, for `timeout` ms. False: no memory. */
bool probe_prepare(CURL *easy, const struct settings *settings, const char *endpoint,
                   uint64_t timeout);

/* What came of it. `why` (of `why_size` bytes) is a sentence without its full stop. */
enum endpoint_health probe_result(CURL *easy, CURLcode code, const char *endpoint, char *why,
                                  size_t why_size);

#endif
