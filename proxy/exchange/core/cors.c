/* SPDX-License-Identifier: Apache-2.0 */
/* The CORS fields of a refusal. A browser shows a page the answer of another origin only if the
 * answer's Access-Control fields allow it. Glance's configuration lists the allowed origins. So for
 * a refusal to a browser the proxy asks Glance for its versions, which needs no token, and copies
 * the fields of that answer. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/snapshot.h"

#include <string.h>
#include <strings.h>

/* A refusal does not wait longer for its CORS fields. */
enum { CORS_TIMEOUT_MS = 2000 };

static const char ORIGIN[] = "Origin";

/* Glance would not answer, there are too many requests already, or the client may not cause one. */
static bool is_not_worth_asking(enum refusal refusal)
{
    return refusal == REFUSAL_GLANCE_UNREACHABLE || refusal == REFUSAL_GLANCE_TIMEOUT ||
           refusal == REFUSAL_TOO_MANY_CONNECTIONS || refusal == REFUSAL_LOOP_DETECTED ||
           refusal == REFUSAL_CERTIFICATE_REQUIRED;
}

bool cors_wanted(const struct exchange *x)
{
    return x->client && !x->cors.tried && !is_not_worth_asking(x->refused.reason) &&
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

/* The refusal is sent with the fields or without. */
static enum step_result ask_and_wait(struct exchange *x)
{
    if (x->entering) {
        x->cors.tried = true;
        return ask(x) ? STEP_WAIT : STEP_REFUSE;
    }
    return x->cors.question.over ? STEP_REFUSE : STEP_WAIT;
}

const struct step CORS_STEPS[] = {{"cors", ask_and_wait}, {NULL, NULL}};

static bool is_cors_field(const char *name)
{
    static const char prefix[] = "Access-Control-";
    return strncasecmp(name, prefix, sizeof prefix - 1) == 0 || header_name_is(name, "Vary");
}

bool cors_copy(const struct headers *answer, struct headers *out)
{
    bool good = true;
    headers_each(row, answer)
        if (is_cors_field(row->name))
            good = good && headers_add(out, row->name, row->value);
    return good;
}

bool cors_tell(const struct exchange *x, struct headers *out)
{
    return !fetch_answered(&x->cors.question) || cors_copy(&x->cors.question.answer.headers, out);
}
