/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of Glance's endpoints, one set for the whole process. An endpoint is known by its
 * URL, so a reload that changes the list changes nothing about those that stay in it.
 *
 *   up     requests are sent there, in turn
 *   busy   it does not answer its health check while image data of ours flows there: others come
 *          first. Glance before uWSGI is like that when each of its processes has an upload
 *   out    it refuses connections, answers 5xx, or is silent: it is tried only after all others
 *
 * Thread-safe. The functions take NULL for a set, of which nothing is known. */
#ifndef INTAKE_ENDPOINTS_H
#define INTAKE_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>

struct settings;

enum { ENDPOINTS_MAX = 16, ENDPOINT_WHY_MAX = 256 };

enum endpoint_state { ENDPOINT_UNKNOWN, ENDPOINT_UP, ENDPOINT_BUSY, ENDPOINT_OUT };

/* "unknown", "up", "busy", "out" */
const char *endpoint_state_text(enum endpoint_state state);

struct endpoints *endpoints_new(void); /* NULL: no memory */
void endpoints_free(struct endpoints *endpoints);

/* The endpoints of these settings are those in force. False: no memory for all of them; nothing is
 * known of the rest. */
bool endpoints_configure(struct endpoints *endpoints, const struct settings *settings);

/* --- where a request goes --------------------------------------------------------------- */

/* Each kind has turns of its own: what clients do before each upload does not shift the uploads. */
enum endpoint_turn { TURN_REQUEST, TURN_UPLOAD, ENDPOINT_TURNS };

/* The place in `urls` of the endpoint whose turn it is: among those not in `tried` (a bit each),
 * the ones that are up, else the ones that are busy, else any. `preferred`, if none is better, has
 * no need of a turn; -1: none is preferred. -1: every one was tried. */
int endpoints_choose(struct endpoints *endpoints, char *const *urls, size_t count, unsigned tried,
                     enum endpoint_turn turn, int preferred);

/* A connection to it could not be opened; somebody has had an answer from it. */
void endpoints_refused(struct endpoints *endpoints, const char *url);
void endpoints_answered(struct endpoints *endpoints, const char *url);

/* Image data begins to flow, to it or from it, and ends. Each begin that has said true needs its
 * end; false: no memory. */
bool endpoints_flow_begins(struct endpoints *endpoints, const char *url);
void endpoints_flow_ends(struct endpoints *endpoints, const char *url);

/* --- health checks ---------------------------------------------------------------------- */

enum endpoint_health {
    HEALTH_WELL,
    HEALTH_FAILED, /* no connection, or 5xx */
    HEALTH_SILENT, /* no answer in time */
    HEALTH_UNASKED /* nothing was learnt about the endpoint */
};

/* A health check begins and has ended. `why` is a sentence without its full stop; it is not looked
 * at where all is well. */
void endpoints_check_begins(struct endpoints *endpoints, const char *url);
void endpoints_checked(struct endpoints *endpoints, const char *url, enum endpoint_health health,
                       const char *why);

/* --- what there is to tell -------------------------------------------------------------- */

struct endpoint_view {
    char *url;
    enum endpoint_state state;
    unsigned flows;             /* of image data, now */
    bool checked;               /* `state` is what health checks have told */
    bool settled;               /* and none has to confirm another */
    char why[ENDPOINT_WHY_MAX]; /* busy or out: a sentence without its full stop */
};

struct endpoints_view {
    struct endpoint_view rows[ENDPOINTS_MAX];
    size_t count;
};

/* Those in force, in the order of the settings. Owned by the caller, who ends it. */
void endpoints_look(struct endpoints *endpoints, struct endpoints_view *view);
void endpoints_view_free(struct endpoints_view *view);

#endif
