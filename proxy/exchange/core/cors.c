/* SPDX-License-Identifier: Apache-2.0 */
/* A browser shows a page what another origin has answered only if the answer's Access-Control
 * fields allow it. Which origins those are is in Glance's configuration, so a refusal to a browser
 * gets the fields that Glance itself gives to this origin: it is asked for its versions, which
 * takes no token. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/snapshot.h"

#include <string.h>
#include <strings.h>

/* A refusal is not to wait for long. */
enum { CORS_TIMEOUT_MS = 2000 };

static const char ORIGIN[] = "Origin";

/* Glance would not have answered either, or there are too many requests already. */
static bool is_beyond_glance(enum refusal refusal)
{
    return refusal == REFUSAL_GLANCE_UNREACHABLE || refusal == REFUSAL_GLANCE_TIMEOUT ||
           refusal == REFUSAL_TOO_MANY_CONNECTIONS || refusal == REFUSAL_LOOP_DETECTED;
}

bool cors_wanted(const struct exchange *x)
{
    return x->client && !x->cors.tried && !is_beyond_glance(x->refused.reason) &&
           headers_count(&client_head(x->client)->headers, ORIGIN) == 1;
}

static bool ask(struct exchange *x)
{
    struct headers fields = {0};
    const struct upstream_request request = {
        .method = "GET", .target = "/versions", .headers = &fields, .timeout = CORS_TIMEOUT_MS};
    const char *origin = headers_get(&client_head(x->client)->headers, ORIGIN);
    bool begun = headers_add(&fields, ORIGIN, origin) &&
                 headers_add(&fields, "X-Openstack-Request-Id", x->request.id) &&
                 fetch_start(&x->cors.question, x->parts->glance, x->snapshot->settings, &request,
                             exchange_wake_by, x);
    headers_free(&fields);
    return begun;
}

/* Whatever comes of it, the refusal is told now. */
static enum step_result hear(struct exchange *x)
{
    if (x->entering) {
        x->cors.tried = true;
        return ask(x) ? STEP_WAIT : STEP_REFUSE;
    }
    return x->cors.question.over ? STEP_REFUSE : STEP_WAIT;
}

const struct step CORS_STEPS[] = {{"cors", hear}, {NULL, NULL}};

static bool is_of_cors(const char *name)
{
    static const char prefix[] = "Access-Control-";
    return strncasecmp(name, prefix, sizeof prefix - 1) == 0 || header_name_is(name, "Vary");
}

bool cors_tell(const struct exchange *x, struct headers *out)
{
    bool good = true;
    if (fetch_answered(&x->cors.question))
        headers_each(row, &x->cors.question.answer.headers)
            if (is_of_cors(row->name))
                good = good && headers_add(out, row->name, row->value);
    return good;
}
