/* SPDX-License-Identifier: Apache-2.0 */
/* One question to one endpoint of Glance: is it well? Not a transfer of a worker: it has a handle
 * and a connection of its own. */
#ifndef INTAKE_PROBE_H
#define INTAKE_PROBE_H

#include "intake/endpoints.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

enum { PROBE_PATIENCE_MS = 2000 };

/* Makes the handle ask GET /healthcheck, for `timeout` ms. False: no memory. */
bool probe_prepare(CURL *easy, const struct settings *settings, const char *endpoint,
                   uint64_t timeout);

/* What came of it. `why` (of `why_size` bytes) is a sentence without its full stop. */
enum endpoint_health probe_result(CURL *easy, CURLcode code, const char *endpoint, char *why,
                                  size_t why_size);

/* Asks one endpoint after the other until one is well, at most PROBE_PATIENCE_MS in all, and blocks
 * meanwhile. False: `why` says why the last one is not. Thread-safe. */
bool glance_probe(const struct settings *settings, char *why, size_t why_size);

#endif
