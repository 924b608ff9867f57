/* SPDX-License-Identifier: Apache-2.0 */
/* Is Glance there? A blocking question, for the admin thread. */
#ifndef INTAKE_PROBE_H
#define INTAKE_PROBE_H

#include <stdbool.h>
#include <stddef.h>

struct settings;

/* GET /healthcheck of each endpoint until one answers 2xx, at most 2 s in all. True: Glance can
 * take requests. False: `why` (of `why_size` bytes) has a sentence. Thread-safe. */
bool glance_probe(const struct settings *settings, char *why, size_t why_size);

#endif
