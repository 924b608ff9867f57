/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files that read a request's head.
 *
 *   head.c             checks the head as a whole
 *   syntax.c           the syntax of HTTP: tokens, values, hosts
 *   target.c           the path and the query
 *   route.c            what is asked for
 *   override.c         a query that changes the method
 *   near_miss.c        image data with a wrong method, or to a wrong path
 *   accept_version.c   the API version in Accept
 *   origin.c           the client's address, and its view of this proxy
 *   forwarded.c        one element of a forwarding header
 *   via.c              loops
 *   request_id.c       the request id
 *   requested_store.c  the store that the client asks for
 *   promises.c         the digests that the client promises
 *   admission.c        what the head of an upload tells
 *   forward.c          the head for Glance, and the fields for the client */
#ifndef PROXY_REQUEST_PRIV_H
#define PROXY_REQUEST_PRIV_H

#include "intake/networks.h"

#include <stdbool.h>
#include <stddef.h>

struct headers;
struct route;

/* --- syntax.c -------------------------------------------------------------------------- */

/* 1*tchar (RFC 9110 5.6.2). */
bool token_valid(const char *text);

/* Any characters except control characters; a tab is allowed (RFC 9110 5.5). */
bool value_valid(const char *text);

/* A DNS name, an IPv4 address, or an IPv6 address in brackets, with an optional ":" and port. RFC
 * 3986 allows more characters in a reg-name, but names in use have only unreserved ones. */
bool host_valid(const char *text);

/* ALPHA / DIGIT / "-" / "." / "_" / "~" (RFC 3986 2.3). */
bool unreserved(char c);

/* Decodes the "%XX" at the start of `text` (NUL-terminated). -1: there is none. */
int percent_decoded(const char *text);

/* Reads the next element of a list, without blanks around it. A separator inside a quoted string
 * (RFC 9110 5.6.4) does not count. `*at` moves to after the element and its separator. False: the
 * list has ended. */
struct span {
    const char *text;
    size_t length;
};
bool list_next(const char **at, char separator, struct span *element);

/* The same for a list whose elements may be empty, including the last: "a," has two, and "" has
 * one. With `quotes` a separator inside a quoted string does not count. `*at` is NULL after the
 * last element. */
struct span list_element(const char **at, char separator, bool quotes);

/* Compares without case. */
bool span_is(struct span span, const char *wanted);

/* --- accept_version.c ----------------------------------------------------------------  */

/* The API version in Accept. Glance may take the version from Accept instead of the path. */
struct accept_version {
    bool named;   /* Accept begins with Glance's media type */
    bool v2;      /* and it may name version 2 */
    bool certain; /* it is unambiguous: Glance decides as `v2` says */
};
struct accept_version accept_version_find(const struct headers *headers);

/* "v2" or "v2.N". Glance decides which N exist. */
bool version_is_2(struct span version);

/* --- forwarded.c ----------------------------------------------------------------------- */

enum node {
    NODE_ADDRESS,
    NODE_HIDDEN,    /* empty, "unknown", or an obfuscated identifier */
    NODE_UNREADABLE /* anything else */
};

enum { NODE_MAX = 80 }; /* bytes: an address, its brackets and its port */

/* Reads "192.0.2.7", "192.0.2.7:4711", "2001:db8::7" or "[2001:db8::7]:4711". `address` is set to
 * the address in its normal form, or "". */
enum node node_read(struct span span, char address[ADDRESS_TEXT_MAX]);

/* The parameters of an element of Forwarded; "": not there. */
struct forwarded {
    char node[NODE_MAX];
    char proto[8];
    char host[300]; /* a DNS name has 253 characters at most */
};

/* False: the element is malformed (RFC 7239), or repeats a parameter. */
bool forwarded_read(struct span element, struct forwarded *out);

/* --- forward.c --------------------------------------------------------------------------- */

/* Whether the name begins with X-Forwarded-, in any spelling. */
bool name_is_x_forwarded(const char *name);

/* --- near_miss.c ------------------------------------------------------------------------- */

/* Fills in `out->missed` if the request is an upload with a wrong method or path. `versioned` is
 * the path after the version. It must not be a checked route with this method. */
void near_miss_find(const char *method, const char *versioned, const struct headers *headers,
                    struct route *out);

/* --- override.c ------------------------------------------------------------------------ */

/* Whether the query has a field that overrides the method in Glance's router. It may be NULL. */
bool override_named(const char *query);

#endif
