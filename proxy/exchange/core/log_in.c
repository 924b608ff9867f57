/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: the login of a request at Keystone (proxy/keystone/). It tells the project, and gives a
 * token where the client has a password. */
#include "exchange/core/log_in.h"

#include "intake/client.h"
#include "intake/login.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct login *begin(struct exchange *x, const char *project, const char *domain, bool fresh)
{
    const struct login_parts parts = {.keystone = x->parts->keystone,
                                      .loop = x->parts->loop,
                                      .glance = x->parts->glance,
                                      .settings = x->snapshot->settings};
    const struct login_request request = {
        .headers = &client_head(x->client)->headers,
        .project = project,
        .domain = domain,
        .client = x->request.origin.address,
        .secure = strcasecmp(x->request.origin.proto, "https") == 0,
        .fresh = fresh,
    };
    struct login *login = login_begin(&parts, &request, exchange_wake_by, x);
    client_wipe_secrets(x->client);
    return login;
}

enum step_result exchange_log_in(struct exchange *x, struct login **login, const char *project,
                                 const char *domain, bool fresh)
{
    if (!*login)
        *login = begin(x, project, domain, fresh);
    if (!*login)
        return exchange_no_memory(x);
    switch (login_state(*login)) {
    case LOGIN_RUNNING:
        return STEP_WAIT;
    case LOGIN_GRANTED:
        return STEP_NEXT;
    default:
        return exchange_refuse_for(x, login_refusal(*login), "%s", login_detail(*login));
    }
}

bool log_in_add_to_answer(const struct login *login, struct headers *out)
{
    bool good = true;
    if (!login || login_state(login) != LOGIN_REFUSED)
        return true;
    headers_each(row, login_fields(login))
        good = good && headers_add(out, row->name, row->value);
    return good;
}

/* New browsers say it themselves (Fetch Metadata), if the page came over TLS. Origin has to be
 * compared, and a proxy in front may have changed Host. */
bool exchange_is_from_another_site(const struct exchange *x)
{
    const struct headers *headers = &client_head(x->client)->headers;
    const char *told = headers_get(headers, "Sec-Fetch-Site");
    const char *page = headers_get(headers, "Origin");
    if (told)
        return strcmp(told, "same-origin") != 0 && strcmp(told, "none") != 0;
    char own[512];
    snprintf(own, sizeof own, "%s://%s", x->request.origin.proto, x->request.origin.host);
    return page && strcasecmp(page, own) != 0;
}
