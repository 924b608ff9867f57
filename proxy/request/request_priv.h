/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the request stage share: the syntax of HTTP, forwarding headers, and Routes'
 * method override. */
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

/* A value may have any character but controls; a tab is none (RFC 9110 5.5). */
bool value_valid(const char *text);

/* A DNS name, an IPv4 address or an IPv6 one in brackets, and maybe ":" and a port. Of what
 * RFC 3986 lets a reg-name have, no name in use has more than the unreserved characters. */
bool host_valid(const char *text);

/* ALPHA / DIGIT / "-" / "." / "_" / "~" (RFC 3986 2.3). */
bool unreserved(char c);

/* The byte that "%XX" stands for, or -1: `text` (NUL-terminated) does not begin with one. */
int percent_decoded(const char *text);

/* One element of a list that is separated by `separator`, without the blanks around it. A
 * separator inside a quoted string (RFC 9110 5.6.4) separates nothing. `at` moves behind the
 * element; false: there is none left. */
struct span {
    const char *text;
    size_t length;
};
bool list_next(const char **at, char separator, struct span *element);

/* The same for a list in which an element may be empty, also the last one: "a," has two, and "" has
 * one. With `quotes` a comma inside a quoted string separates nothing. `at` is NULL behind the last
 * element. */
struct span list_element(const char **at, char separator, bool quotes);

bool span_is(struct span span, const char *wanted);

/* --- accept.c -------------------------------------------------------------------------- */

/* What Accept says about the version of the API, which Glance may read there and not in the path.
 */
struct accept_version {
    bool named;   /* it begins as one that names a version */
    bool v2;      /* and it may be read as version 2 */
    bool certain; /* it cannot be read in another way: `v2` is what Glance goes by */
};
struct accept_version accept_version_find(const struct headers *headers);

/* "v2" or "v2.N": which N there are is for Glance to say. */
bool version_is_2(struct span version);

/* --- forwarded.c ----------------------------------------------------------------------- */

enum node {
    NODE_ADDRESS,
    NODE_HIDDEN,    /* empty, "unknown", or a name that a proxy has made up */
    NODE_UNREADABLE /* anything else */
};

enum { NODE_MAX = 80 }; /* of an address, its brackets and its port */

/* "192.0.2.7", "192.0.2.7:4711", "2001:db8::7", "[2001:db8::7]:4711". `address` has the address in
 * its usual form, or "". */
enum node node_read(struct span span, char address[ADDRESS_TEXT_MAX]);

/* What an element of Forwarded says; "" where it does not. */
struct forwarded {
    char node[NODE_MAX];
    char proto[8];
    char host[300]; /* a DNS name has 253 characters at most */
};

/* False: the element is not what RFC 7239 says, or has a parameter twice. */
bool forwarded_read(struct span element, struct forwarded *out);

/* --- forward.c --------------------------------------------------------------------------- */

/* X-Forwarded-Anything, in any spelling. */
bool name_is_x_forwarded(const char *name);

/* --- near_miss.c ------------------------------------------------------------------------- */

/* Fills in what `route` says of a miss, and its image id. `versioned` is the path behind the
 * version, which leads to no door by this method. */
void near_miss_find(const char *method, const char *versioned, const struct headers *headers,
                    struct route *out);

/* --- override.c ------------------------------------------------------------------------ */

/* Whether the query has a field that makes Glance's router take another method. It may be NULL. */
bool override_named(const char *query);

#endif
