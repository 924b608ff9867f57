/* SPDX-License-Identifier: Apache-2.0 */
/* One health check of one endpoint, with the caller's libcurl handle. */
#ifndef UPSTREAM_PROBE_HANDLE_H
#define UPSTREAM_PROBE_HANDLE_H

#include "intake/endpoints.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

struct settings;

/* Sets the handle's options for GET /healthcheck; `timeout` is in ms. False: no memory. */
bool probe_prepare(CURL *easy, const struct settings *settings, const char *endpoint,
                   uint64_t timeout);

/* The result of the check. `why` (of `why_size` bytes) gets a sentence without its full stop. */
enum endpoint_health probe_result(CURL *easy, CURLcode code, const char *endpoint, char *why,
                                  size_t why_size);

#endif
