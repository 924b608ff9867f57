/* SPDX-License-Identifier: Apache-2.0 */
/* POST /upload/page/token: a user of the upload page logs in, as for PUT /upload/. The answer is
 * like Keystone's to POST /v3/auth/tokens: 201, X-Subject-Token, and what the token is for. */
#include "exchange/core/log_in.h"
#include "exchange/page/page_kinds.h"

#include "intake/login.h"
#include "intake/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

/* --- who asks --------------------------------------------------------------------------------- */

/* Another page learns nothing from the answer, but could try passwords. */
static enum step_result admit(struct exchange *x)
{
    char text[NEW_IMAGE_FAULT_MAX];
    const char *fault =
        new_image_read_target(&token_of(x)->asked, "/upload/", x->request.target.query, text);
    if (fault == NO_MEMORY)
        return exchange_no_memory(x);
    if (!fault && exchange_is_from_another_site(x))
        fault = "the login comes from a page of another site";
    return fault ? exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", fault) : STEP_NEXT;
}

/* The page does not say when Glance has refused its token. Its user then logs in again, and must
 * not get the same one. */
static enum step_result log_in(struct exchange *x)
{
    struct token_flow *flow = token_of(x);
    return exchange_log_in(x, &flow->login, flow->asked.project, flow->asked.domain, true);
}

/* --- the answer ------------------------------------------------------------------------------- */

/* The token itself is in a field only, as in Keystone. NULL: no memory. */
static char *describe(const struct login *login)
{
    char expires[32];
    struct tm utc;
    time_t seconds = (time_t)(login_expires_ms(login) / 1000);
    strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    json_t *document =
        json_pack("{s:{s:s, s:{s:s, s:s}}}", "token", "expires_at", expires, "project", "id",
                  login_project(login), "name", login_project_name(login));
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    return text;
}

static bool compose(const struct exchange *x, const struct login *login, struct reply *reply)
{
    char *text = describe(login);
    reply->status = 201;
    bool good = text && buffer_print(&reply->body, "%s\n", text) &&
                headers_add(&reply->headers, "Content-Type", "application/json") &&
                headers_add(&reply->headers, "Cache-Control", "no-store") &&
                headers_add(&reply->headers, "X-Subject-Token", login_token(login)) &&
                headers_add(&reply->headers, "X-Openstack-Request-Id", x->request.id);
    free(text);
    return good;
}

static enum step_result answer(struct exchange *x)
{
    struct reply reply;
    reply_init(&reply);
    if (!compose(x, token_of(x)->login, &reply)) {
        reply_free(&reply);
        return exchange_no_memory(x);
    }
    exchange_answer(x, &reply);
    return STEP_END;
}

/* --- the kind --------------------------------------------------------------------------------- */

static const struct step STEPS[] = {
    {"admit", admit},
    {"login", log_in},
    {"answer", answer},
    {NULL, NULL},
};

static bool add_to_answer(const struct exchange *x, struct headers *out)
{
    return log_in_add_to_answer(((const struct token_flow *)x)->login, out);
}

static void end(struct exchange *x)
{
    struct token_flow *flow = token_of(x);
    login_free(flow->login);
    new_image_free(&flow->asked);
}

const struct exchange_kind TOKEN_KIND = {
    .size = sizeof(struct token_flow),
    .steps = STEPS,
    .end = end,
    .add_to_answer = add_to_answer,
};
