/* SPDX-License-Identifier: Apache-2.0 */
/* Is Glance well? The check has a handle and a connection of its own, no worker's. */
#ifndef INTAKE_PROBE_H
#define INTAKE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

enum { PROBE_TIMEOUT_MS = 2000 };

/* Asks one endpoint after the other until one is well, at most PROBE_TIMEOUT_MS in all, and blocks
 * meanwhile. False: `why` says why the last one is not. Thread-safe. */
bool glance_probe(const struct settings *settings, char *why, size_t why_size);

#endif
