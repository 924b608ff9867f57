/* SPDX-License-Identifier: Apache-2.0 */
/* Rewrites the absolute URLs in Glance's answers: those of version documents, and Location. They
 * must have the address that the client used, or the client's next request bypasses the proxy. */
#ifndef INTAKE_REWRITE_H
#define INTAKE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct origin;

/* Rewrites a version document: each "href" of a "self" link gets the address of `seen` (proto,
 * host, prefix), and keeps its last path segment ("/v2/"). True: `out` has the new document. False:
 * `out` is unchanged, and the original is to be sent: nothing had to change, it is not a version
 * document, or there is no memory. */
bool rewrite_versions(const char *json, size_t length, const struct origin *seen,
                      struct buffer *out);

/* Rewrites a Location: it gets the address of `seen` if its authority is the Host that was sent to
 * Glance, or one of Glance's endpoints. Other URLs and relative ones are kept. True: it has
 * changed, and `out` has the new one. */
bool rewrite_location(const char *location, const struct origin *seen, const char *const *endpoints,
                      size_t endpoint_count, struct buffer *out);

#endif
