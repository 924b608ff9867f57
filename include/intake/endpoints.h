/* SPDX-License-Identifier: Apache-2.0 */
/* The state of Glance's endpoints, one set for the whole process. An endpoint is identified by its
 * URL, so a reload keeps the state of each endpoint that stays in the list.
 *
 *   up     requests are sent to it, in turn
 *   busy   no answer to its health check while the proxy has image data under way there: other
 *          endpoints are preferred. Glance under uWSGI is busy when each of its processes has
 *          an upload
 *   out    it refuses connections, answers 5xx, or does not answer: it is tried last
 *
 * Thread-safe. The functions accept NULL for an empty set. */
#ifndef INTAKE_ENDPOINTS_H
#define INTAKE_ENDPOINTS_H

#include "intake/settings.h" /* ENDPOINTS_MAX */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENDPOINT_WHY_MAX = 256 };

enum endpoint_state { ENDPOINT_UNKNOWN, ENDPOINT_UP, ENDPOINT_BUSY, ENDPOINT_OUT };

/* "unknown", "up", "busy", "out" */
const char *endpoint_state_text(enum endpoint_state state);

struct endpoints *endpoints_new(void); /* NULL: no memory */
void endpoints_free(struct endpoints *endpoints);

/* Replaces the list of endpoints by that of the settings. False: no memory for all of them; the
 * others have no state. */
bool endpoints_configure(struct endpoints *endpoints, const struct settings *settings);

/* --- where a request goes --------------------------------------------------------------- */

/* Each kind has its own round robin, so that the requests before an upload do not shift the
 * uploads. */
enum endpoint_turn { TURN_REQUEST, TURN_UPLOAD, ENDPOINT_TURNS };

/* Chooses an endpoint by round robin and returns its index in `urls`. `tried` has a bit for each
 * endpoint that is excluded. Endpoints that are up come first, then busy ones, then all others.
 * `preferred` (an index, or -1) is chosen, and takes no turn, if no other endpoint is better. -1:
 * all were tried. */
int endpoints_choose(struct endpoints *endpoints, char *const *urls, size_t count, unsigned tried,
                     enum endpoint_turn turn, int preferred);

/* Whether the endpoint is out, or has just refused a connection. */
bool endpoints_is_out(struct endpoints *endpoints, const char *url);

/* A connection to the endpoint could not be opened; or the endpoint has answered a request. */
void endpoints_refused(struct endpoints *endpoints, const char *url);
void endpoints_answered(struct endpoints *endpoints, const char *url);

/* A transfer of image data to or from the endpoint begins, and ends. Call endpoints_flow_ends()
 * once for each endpoints_flow_begins() that returned true. False: no memory. */
bool endpoints_flow_begins(struct endpoints *endpoints, const char *url);
void endpoints_flow_ends(struct endpoints *endpoints, const char *url);

/* --- health checks ---------------------------------------------------------------------- */

enum endpoint_health {
    HEALTH_WELL,
    HEALTH_FAILED, /* no connection, or 5xx */
    HEALTH_SILENT, /* no answer in time */
    HEALTH_UNASKED /* the check itself failed: nothing is known about the endpoint */
};

enum { ENDPOINT_HEALTHS = HEALTH_UNASKED };

/* A health check begins, and has ended. `why` is a sentence without its full stop. It is not read
 * with HEALTH_WELL. */
void endpoints_check_begins(struct endpoints *endpoints, const char *url);
void endpoints_checked(struct endpoints *endpoints, const char *url, enum endpoint_health health,
                       const char *why);

/* --- the current states ----------------------------------------------------------------- */

struct endpoint_view {
    char *url;
    enum endpoint_state state;
    unsigned flows;                    /* transfers of image data at the moment */
    bool checked;                      /* `state` comes from health checks */
    bool settled;                      /* and no check has to be repeated to confirm it */
    uint64_t checks[ENDPOINT_HEALTHS]; /* how many ended so; HEALTH_UNASKED is not counted */
    uint64_t check_ms;                 /* the duration of the last check that ended */
    char why[ENDPOINT_WHY_MAX];        /* of busy or out: a sentence without its full stop */
};

struct endpoints_view {
    struct endpoint_view rows[ENDPOINTS_MAX];
    size_t count;
};

/* Copies the states, in the order of the settings. The caller owns the copy, and frees it with
 * endpoints_view_free(). */
void endpoints_look(struct endpoints *endpoints, struct endpoints_view *view);
void endpoints_view_free(struct endpoints_view *view);

#endif
