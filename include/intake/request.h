/* SPDX-License-Identifier: Apache-2.0 */
/* Checks and parses a request head, before any other work is done for the request.
 *
 * The listener fills `struct request_head` from what the client sent. The functions below have no
 * side effects and use no sockets. */
#ifndef INTAKE_REQUEST_H
#define INTAKE_REQUEST_H

#include "intake/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct networks;

/* --- head.c: is the head unambiguous? -------------------------------------------------- */

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

/* Returns NULL and sets `out`, or returns what is wrong as a clause (400 bad_request). Refused are:
 * - a method that is not a token, or has a lower-case letter: a lenient server could take "put" for
 *   PUT, and Glance has no such method;
 * - CONNECT: an answer to it has no body (RFC 9110 9.3.6), and this proxy has no tunnels;
 * - a version that is not HTTP/1.x;
 * - more than one Content-Length, or one that is not digits or is 2^63 or more;
 * - Content-Length together with Transfer-Encoding;
 * - a Transfer-Encoding that is not exactly one "chunked", or any with HTTP/1.0;
 * - no Host (HTTP/1.1), several, or one that is not a host with an optional port;
 * - header names that are not tokens (RFC 9110 5.6.2);
 * - control characters in a header value;
 * - a framing header spelled with an underscore: eventlet reads Transfer_Encoding as
 *   Transfer-Encoding;
 * - a Connection that names a field which the proxy decides by (Accept, X-Image-Meta-Store, ...),
 *   because such a field would not be forwarded to Glance. */
const char *head_fault(const struct request_head *head, struct framing_facts *out);

/* --- target.c: the path as Glance sees it ---------------------------------------------- */

struct target {
    char *authority; /* the host of an absolute form, else NULL */
    char *path;      /* percent-decoded once, without empty segments: "/v2/images/ID/file". A slash
                      * at the end is kept: "file/" and "file" differ in Glance */
    char *canonical; /* what Glance gets: `path` encoded again, and the query. So the proxy forwards
                      * exactly what it checked */
    const char *query; /* points into `canonical`: unchanged except that non-ASCII bytes are
                        * encoded; NULL: none */
};

/* Returns NULL and sets `out` (owned by the caller: target_free()), or returns what is wrong as a
 * clause (400 bad_request) or NO_MEMORY.
 *
 * A target is refused if eventlet (which decodes as Python does) and uWSGI (with its own rules)
 * would read it differently, or if Glance would route it in an unexpected way:
 * - malformed percent-encoding: uWSGI drops an incomplete escape at the end, so "file%" is "file";
 * - a dot segment, plain or encoded: uWSGI removes plain ones, eventlet removes none. Clients
 *   remove them before sending (RFC 3986 5.2.4);
 * - an encoded control character: "file%0a" is routed as "file";
 * - '#', control characters, and what eventlet splits at (also 0x85 and 0xa0);
 * - a field "_method" in the query: Routes lets it turn a GET into a PUT. No client of Glance sends
 *   it.
 * "v2/images" counts as "/v2/images", as in Glance. "*" is unchanged. */
const char *target_parse(const char *raw, struct target *out);
void target_free(struct target *target);

/* --- route.c: which operation of the Glance API this is -------------------------------- */

enum route_kind {
    ROUTE_RELAY,     /* passes through unchanged */
    ROUTE_VERSIONS,  /* GET / or /versions, or no known version: the answer has URLs of Glance */
    ROUTE_UPLOAD,    /* PUT /v2/images/{id}/file */
    ROUTE_STAGE,     /* PUT /v2/images/{id}/stage */
    ROUTE_HELD,      /* HEAD, DELETE or OPTIONS of /v2/images/{id}/file, or a PATCH of tus or of the
                      * draft: about an upload that is held */
    ROUTE_CREATE,    /* POST /v2/images/{id}/file of tus, or of the draft, whose PUT of a first part
                      * counts, too: an upload whose data comes in parts */
    ROUTE_PROGRESS,  /* GET /v2/images/{id}/file/progress: of this proxy, unknown to Glance */
    ROUTE_IMPORT,    /* POST /v2/images/{id}/import */
    ROUTE_UPDATE,    /* PATCH /v2/images/{id}: may set locations */
    ROUTE_LOCATIONS, /* POST /v2/images/{id}/locations */
    ROUTE_TASKS,     /* POST /v2/tasks */
    ROUTE_NEW_IMAGE  /* PUT or POST /upload/[NAME], where that is switched on: never from
                      * route_find(), which sets `new_image` */
};

enum { IMAGE_ID_MAX = 255 };

/* What a request about a held upload wants. */
enum resume_verb {
    RESUME_TELL,    /* HEAD: how much there is */
    RESUME_SEND,    /* PATCH, or a PUT with Content-Range: more of the data */
    RESUME_DROP,    /* DELETE */
    RESUME_CREATE,  /* POST */
    RESUME_DESCRIBE /* OPTIONS: what is supported */
};

/* The protocol in which the client says so. */
enum resume_dialect {
    RESUME_BY_RANGE, /* Content-Range, as curl -C sends it */
    RESUME_BY_TUS,   /* tus.h */
    RESUME_BY_DRAFT  /* draft.h */
};

/* What belongs to the upload page, where that is switched on. No name of an image has a slash, so
 * /upload/page/ is nobody's upload. */
enum page_part {
    PAGE_NONE,
    PAGE_FILE,    /* GET or HEAD of /upload, /upload/ or /upload/page/FILE */
    PAGE_TOKEN,   /* POST /upload/page/token: a login */
    PAGE_DESCRIBE /* POST /upload/page/image/NAME: what the opening of a file is */
};

struct route {
    enum route_kind kind;
    char image_id[IMAGE_ID_MAX + 1]; /* decoded; "": the route has none */
    /* The client's Accept names the version (application/vnd.openstack.images-v2). This Accept must
     * not be sent with the canonical path: Glance would expect a path without a version. */
    bool version_by_accept;

    bool new_image;      /* PUT or POST /upload/[NAME]: counts where [keystone] auth_url is set, */
    enum page_part page; /* and so does this */

    /* The preflight request of a browser for /v2/images/{id}/file; `kind` is ROUTE_RELAY. */
    bool cors_preflight;

    enum resume_verb verb;       /* with ROUTE_HELD and ROUTE_CREATE */
    enum resume_dialect dialect; /* the same, and with ROUTE_UPLOAD: RESUME_BY_DRAFT if the client
                                  * would go on with the upload */

    /* The request looks like an upload with a wrong method or path. Applies only if the request has
     * a body; with ROUTE_HELD and ROUTE_CREATE only if nothing is held ([resume] window). */
    struct {
        const char *how;       /* what is wrong, as a clause; NULL: it does not look like that */
        const char *allowed;   /* the value for Allow */
        enum route_kind meant; /* ROUTE_UPLOAD or ROUTE_STAGE */
        char image_id[IMAGE_ID_MAX + 1]; /* "": not known */
    } missed;
};

/* Returns NULL and sets `out`, or returns what is wrong as a clause (400 bad_request). All routes
 * but RELAY and VERSIONS are checked routes: the policy applies to them. A request counts as one if
 * Glance's router might route it so; Glance then gets route_canonical(). `headers` are the
 * client's, for Accept.
 *
 * Refused is an image id that is longer than IMAGE_ID_MAX or has a character that is not unreserved
 * (RFC 3986 2.3). No image has such an id, but a database with a loose comparison could match it to
 * one. */
const char *route_find(const char *method, const struct target *target,
                       const struct headers *headers, struct route *out);

/* Returns the path that Glance gets: "/v2/images/{id}/file" or that of the other checked route,
 * with the client's query (but not that of ROUTE_NEW_IMAGE, which is about the image). The client's
 * Accept must not be sent with it if it names a version. Owned by the caller. NULL: no memory, or
 * not a checked route. */
char *route_canonical(const struct route *route, const struct target *target);

/* --- origin.c: how the client sees this proxy ------------------------------------------ */

/* How the client addressed this proxy, for URLs in answers and for the headers that Glance gets. */
struct origin {
    char address[64];    /* the client's numeric address, seen through trusted proxies; "": they do
                          * not say it */
    char *proto;         /* "http" or "https" */
    char *host;          /* as in Host: "images.example.org:9292"; "": not known */
    char *prefix;        /* "" or "/image": X-Forwarded-Prefix of a trusted proxy */
    char *forwarded_for; /* the X-Forwarded-For to send: the client, if it is known, and the proxies
                          * between it and this one */
};

/* Facts about the connection, and the settings for trusted proxies. Borrowed. */
struct origin_facts {
    const char *peer; /* its numeric address; "": it is on a unix socket */
    bool tls;
    const struct networks *trusted;
    bool forwarded; /* trusted proxies write Forwarded (RFC 7239), not X-Forwarded-For */
};

/* Headers count only if the peer is trusted, and only the configured ones: X-Forwarded-For with
 * X-Forwarded-Proto, -Host and -Prefix, or Forwarded. The client's address is the rightmost one
 * that is not trusted; if all are trusted, the leftmost. If a trusted proxy does not name its
 * client, the address is unknown; it is never the proxy's own. A trusted peer is itself the client
 * if no header shows a proxy. A client on a unix socket has no address. A malformed host, proto or
 * prefix is ignored.
 *
 * False: no memory. `*fault` is NULL, or what is wrong as a clause (400 bad_request): the header is
 * malformed before the client's element is reached. `out` is owned by the caller: origin_free(). */
bool origin_find(const struct headers *headers, const struct origin_facts *facts,
                 struct origin *out, const char **fault);
void origin_free(struct origin *origin);

/* --- forward.c: the headers that are forwarded ----------------------------------------- */

/* Copies the end-to-end headers of a request for Glance, in order. Left out are:
 * - hop-by-hop headers (RFC 9110 7.6.1: Connection and all that it names, Keep-Alive,
 *   Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade);
 * - Content-Length and Expect: the upstream side writes its own;
 * - Forwarded and X-Forwarded-*;
 * - Traceparent and Tracestate, unless there is one valid Traceparent;
 * - headers with which Glance's authentication describes the caller to the rest of Glance
 *   (X-Identity-Status, X-User-Id, X-Roles, ...): a client must never send them.
 * Added are X-Forwarded-For, -Proto, -Host and -Prefix (if any) and Host (if known) from `origin`,
 * and exactly one X-Openstack-Request-Id. `to` is owned by the caller. False: no memory. */
bool forward_request_headers(const struct headers *from, const struct origin *origin,
                             const char *request_id, struct headers *to);

/* The same for an answer: only hop-by-hop headers and Content-Length are left out. */
bool forward_response_headers(const struct headers *from, struct headers *to);

/* --- request_id.c ----------------------------------------------------------------------- */

enum { REQUEST_ID_MAX = 64 }; /* oslo.middleware accepts no longer ones from a client */

/* Chooses the client's X-Openstack-Request-Id if it is a single token of at most REQUEST_ID_MAX
 * characters, otherwise "req-" and a new UUID (version 4). */
void request_id_choose(const struct headers *headers, char out[REQUEST_ID_MAX + 1]);

/* --- trace.c ------------------------------------------------------------------------------ */

enum { TRACE_ID_LENGTH = 32 };

/* Finds the trace id of the W3C header traceparent. False: there is no such header, there are
 * several, or it is malformed; `out` is "". */
bool trace_id_find(const struct headers *headers, char out[TRACE_ID_LENGTH + 1]);

/* --- via.c -------------------------------------------------------------------------------- */

/* Adds this process to the Via of a request to Glance. False: no memory. */
bool via_add(struct headers *headers);

/* Whether the request has passed this process before. */
bool via_has_own(const struct headers *headers);

/* --- requested_store.c ------------------------------------------------------------------------ */

/* Reads the store that the client asks for: the X-Image-Meta-Store fields in any spelling, joined
 * with ',' as eventlet does (so two fields never name an existing store). `*requested` is owned by
 * the caller; NULL: no field, or only an empty one. False: no memory. */
bool requested_store(const struct headers *headers, char **requested);

#endif
