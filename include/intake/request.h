/* SPDX-License-Identifier: Apache-2.0 */
/* A request head, judged and understood, before anything is done about it.
 *
 * The listener fills `head` from what the client sent; the functions below are the request
 * stage. They are pure: text in, product out. Nothing here knows a socket. */
#ifndef INTAKE_REQUEST_H
#define INTAKE_REQUEST_H

#include "intake/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct networks;

/* --- head.c: is this head one that cannot be read in two ways? ------------------------- */

enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED };

struct request_head {
    const char *method;
    const char *version; /* "HTTP/1.1" */
    const char *target;  /* raw, as on the request line, query included */
    struct headers headers;
};

struct framing_facts {
    enum framing framing;
    uint64_t length;       /* with FRAMING_LENGTH */
    bool expects_continue; /* Expect: 100-continue, HTTP/1.1 */
};

/* NULL and `out` set, or a plain clause saying what is wrong with the head (400 bad_request).
 * Refused: a method that is not a token, has a letter that is not a capital (Glance has none such,
 * but who compares loosely may take "put" for PUT), or is CONNECT (an answer to it has no body, RFC
 * 9110 9.3.6, and nothing here is a tunnel); a version that is not HTTP/1.x; more than one
 * Content-Length, or one that is not digits or reaches 2^63; Content-Length with Transfer-Encoding;
 * Transfer-Encoding that is not exactly one "chunked", or with HTTP/1.0; no Host (HTTP/1.1),
 * several, or one that is not a host with an optional port; names that are not tokens (RFC
 * 9110 5.6.2); control characters in a value; either framing header spelled with an underscore
 * (eventlet reads Transfer_Encoding as Transfer-Encoding); a Connection that names a field by which
 * the request is judged (Accept, X-Image-Meta-Store, ...), as it would not go on to Glance. */
const char *head_fault(const struct request_head *head, struct framing_facts *out);

/* --- target.c: the path as Glance will see it ------------------------------------------ */

struct target {
    char *authority; /* of an absolute form, else NULL */
    char *path;      /* percent-decoded once, empty segments gone: "/v2/images/ID/file"; a slash at
                      * the end stays, since Glance tells "file/" from "file" */
    char *canonical; /* what Glance is sent: `path` encoded anew, and the query. What was judged is
                      * what goes on, whatever way the client wrote it */
    const char *query; /* that of `canonical`: raw, but for bytes beyond ASCII, which are encoded;
                        * NULL when there is none */
};

/* NULL and `out` set (owned by the caller: target_free), or a plain clause (400 bad_request).
 *
 * Refused is what Glance's two servers read differently, eventlet as Python unquotes and uWSGI
 * by rules of its own: malformed percent-encoding (uWSGI drops a cut one at the end, so "file%"
 * is "file"), a dot segment, plain or encoded (uWSGI removes plain ones, eventlet none; clients
 * remove them themselves, RFC 3986 5.2.4), an encoded control character ("file%0a" is routed as
 * "file"), '#', control characters, and what eventlet takes for a blank (0x85 and 0xa0, too).
 * Refused is, too, a field "_method" of the query, by which Routes lets a GET be a PUT, and which
 * no client of Glance's sends. "v2/images" counts as
 * "/v2/images", as in Glance; "*" stays. */
const char *target_parse(const char *raw, struct target *out);
void target_free(struct target *target);

/* --- route.c: which door of the Glance API this is ------------------------------------- */

enum route_kind {
    ROUTE_RELAY,    /* passes through unchanged */
    ROUTE_VERSIONS, /* the answer names Glance's own URL: GET / or /versions, or no known version */
    ROUTE_UPLOAD,   /* PUT /v2/images/{id}/file */
    ROUTE_STAGE,    /* PUT /v2/images/{id}/stage */
    ROUTE_IMPORT,   /* POST /v2/images/{id}/import */
    ROUTE_UPDATE,   /* PATCH /v2/images/{id}: may set the image's locations */
    ROUTE_LOCATIONS, /* POST /v2/images/{id}/locations */
    ROUTE_TASKS      /* POST /v2/tasks */
};

enum { IMAGE_ID_MAX = 255 };

struct route {
    enum route_kind kind;
    char image_id[IMAGE_ID_MAX + 1]; /* of a door that has one, decoded; "" otherwise */
    /* The client's Accept may name the version (application/vnd.openstack.images-v2). It must not
     * go on with the canonical path: Glance would look for a path without a version. */
    bool version_by_accept;

    /* Of a relay that would be an upload, had it come by PUT and to the right path. It counts if
     * the request has a body. */
    struct {
        const char *how;                 /* it came: a clause; NULL: it is nothing of the kind */
        const char *allowed;             /* the methods for Allow */
        enum route_kind meant;           /* ROUTE_UPLOAD or ROUTE_STAGE, */
        char image_id[IMAGE_ID_MAX + 1]; /* to this image; "": it is not told */
    } missed;
};

/* NULL and `out` set, or a plain clause (400 bad_request): a door with an image id longer than
 * IMAGE_ID_MAX or with a character that is not unreserved (RFC 3986 2.3). Such an id is never an
 * image's own, but a database that compares loosely may take it for one.
 *
 * `headers` are the client's, for Accept. A request is one of the doors (all but RELAY and
 * VERSIONS) if Glance's router could take it for one. What Glance is sent then is
 * route_canonical(). */
const char *route_find(const char *method, const struct target *target,
                       const struct headers *headers, struct route *out);

/* "/v2/images/{id}/file" (or the other door's), with the client's query: what Glance gets, without
 * the client's Accept if that names a version. Owned by the caller; NULL: no memory. */
char *route_canonical(const struct route *route, const struct target *target);

/* --- origin.c: how the client sees this proxy ------------------------------------------ */

/* The client's own view, for links that lead back, and what is told to Glance. */
struct origin {
    char address[64];    /* the client's numeric address, behind trusted proxies if any; "": they
                          * do not tell */
    char *proto;         /* "http" or "https" */
    char *host;          /* as in Host: "images.example.org:9292"; "" when it is not known */
    char *prefix;        /* "" or "/image": X-Forwarded-Prefix of a trusted proxy */
    char *forwarded_for; /* the whole X-Forwarded-For to send: the client, as far as it is known,
                          * and the proxies behind it */
};

/* What is known of the connection, and whom the operator trusts. */
struct origin_facts {
    const char *peer; /* its numeric address */
    bool tls;
    const struct networks *trusted;
    bool forwarded; /* trusted proxies write Forwarded (RFC 7239); else X-Forwarded-For */
};

/* Only what a trusted peer says is believed, and only in the header that the operator has named:
 * X-Forwarded-For with X-Forwarded-Proto, -Host and -Prefix, or Forwarded. The client's address is
 * the rightmost one that is not trusted; if all are, the leftmost. A trusted proxy that does not
 * say whom it serves leaves the address unknown; it is never its own. A trusted peer is the client
 * if nothing in the head tells of a proxy. A host, proto or prefix that is not well-formed is
 * passed over.
 *
 * False: no memory. `fault`: NULL, or a plain clause (400 bad_request): the header cannot be read
 * up to the client. */
bool origin_find(const struct headers *headers, const struct origin_facts *facts,
                 struct origin *out, const char **fault);
void origin_free(struct origin *origin);

/* --- forward.c: the fields that go on to the other side -------------------------------- */

/* The end-to-end fields of a request, in order, for Glance: without hop-by-hop fields (RFC 9110
 * 7.6.1: Connection and all it names, Keep-Alive, Proxy-Connection, TE, Trailer,
 * Transfer-Encoding, Upgrade), Content-Length and Expect (the upstream side writes its own),
 * Forwarded and X-Forwarded-*, and the fields in which Glance's authentication tells the rest of
 * Glance who the caller is (X-Identity-Status, X-User-Id, X-Roles, ...), which are never a client's
 * to send; with X-Forwarded-For, -Proto, -Host, -Prefix (if any) from
 * `origin`, Host (the origin's, if it is known), and exactly one X-Openstack-Request-Id. False: no
 * memory. */
bool forward_request_headers(const struct headers *from, const struct origin *origin,
                             const char *request_id, struct headers *to);

/* The same for an answer: hop-by-hop fields and Content-Length go, the rest stays in order. */
bool forward_response_headers(const struct headers *from, struct headers *to);

/* --- request_id.c ----------------------------------------------------------------------- */

enum { REQUEST_ID_MAX = 64 }; /* oslo.middleware takes an inbound one up to this long */

/* The client's own X-Openstack-Request-Id if it is one token of at most REQUEST_ID_MAX
 * characters, else "req-" and a new UUID (version 4). */
void request_id_choose(const struct headers *headers, char out[REQUEST_ID_MAX + 1]);

/* --- via.c -------------------------------------------------------------------------------- */

/* Appends this proxy to the fields that go to Glance. False: no memory. */
bool via_add(struct headers *headers);

/* Whether the request has passed this very process before. */
bool via_has_own(const struct headers *headers);

/* --- requested_store.c ------------------------------------------------------------------------ */

/* The store the client asks for: the X-Image-Meta-Store fields in any spelling, joined with ','
 * as eventlet joins them (so two different ones name no store that exists). `wish` is owned by
 * the caller; NULL: none, or only an empty one. False: no memory. */
bool requested_store(const struct headers *headers, char **requested);

#endif
