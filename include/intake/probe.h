/* SPDX-License-Identifier: Apache-2.0 */
/* One blocking health check of Glance, with its own libcurl handle and connection. */
#ifndef INTAKE_PROBE_H
#define INTAKE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

enum { PROBE_TIMEOUT_MS = 2000 };

/* Checks one endpoint after the other until one is healthy. Blocks for at most PROBE_TIMEOUT_MS in
 * all. False: none is; `why` describes the fault of the last one. Thread-safe. */
bool glance_probe(const struct settings *settings, char *why, size_t why_size);

#endif
