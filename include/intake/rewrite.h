/* SPDX-License-Identifier: Apache-2.0 */
/* Glance writes absolute URLs in two places: the version documents and Location. They must
 * lead back to where the client came from, or its second request goes past the proxy. */
#ifndef INTAKE_REWRITE_H
#define INTAKE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct origin;

/* The version document with each "href" of a "self" link moved to `seen` (proto, host, prefix),
 * keeping its last path segment ("/v2/"). True and `out` set if anything had to change; false
 * (out untouched): nothing to do, or it is not a version document: pass it on as it is. */
bool rewrite_versions(const char *json, size_t length, const struct origin *seen,
                      struct buffer *out);

/* Location: moved to `seen` when its authority is the Host that was sent to Glance or one of
 * Glance's endpoints; any other URL and a relative one stay. True and `out` set if it changed. */
bool rewrite_location(const char *location, const struct origin *seen, const char *const *endpoints,
                      size_t endpoint_count, struct buffer *out);

#endif
