/* SPDX-License-Identifier: Apache-2.0 */
/* How a request or a health check reaches Glance; for attempt.c, curl_options.c and probe.c. */
#ifndef UPSTREAM_GLANCE_SERVER_H
#define UPSTREAM_GLANCE_SERVER_H

#include <stdbool.h>

#include <curl/curl.h>

struct settings;

/* Sets the handle's server to one of [glance] endpoint, and its path. False: no memory. */
bool glance_server_set_address(CURL *easy, const char *endpoint, const char *path);

/* Sets what the handle expects of an https endpoint. False: no memory. */
bool glance_server_set_tls(CURL *easy, const struct settings *settings);

#endif
