/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: Keystone tells the project, and gives a token where the client has a password
 * (proxy/keystone/). This step is the first one. So a client that sends its password over plain
 * HTTP learns of that, whatever else is wrong with its request. */
#include "exchange/new_image/new_image_flow.h"

#include "intake/client.h"
#include "intake/login.h"
#include "intake/record.h"
#include "intake/snapshot.h"

#include <string.h>

static enum step_result begin(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    const struct login_parts parts = {.keystone = x->parts->keystone,
                                      .loop = x->parts->loop,
                                      .glance = x->parts->glance,
                                      .settings = x->snapshot->settings};
    const struct login_request request = {
        .headers = &client_head(x->client)->headers,
        .project = flow->wanted.project,
        .domain = flow->wanted.domain,
        .client = x->request.origin.address,
        .secure = strcmp(x->request.origin.proto, "https") == 0,
    };
    flow->login = login_begin(&parts, &request, exchange_wake_by, x);
    client_wipe_secrets(x->client);
    return flow->login ? STEP_NEXT : exchange_no_memory(x);
}

static enum step_result take(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    x->token = strdup(login_token(flow->login));
    bool good =
        x->token && record_describe_image(x->record, login_project(flow->login), flow->wanted.name);
    return good ? STEP_NEXT : exchange_no_memory(x);
}

enum step_result new_image_login(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    enum step_result begun = flow->login ? STEP_NEXT : begin(flow);
    if (begun != STEP_NEXT)
        return begun;
    switch (login_state(flow->login)) {
    case LOGIN_RUNNING:
        return STEP_WAIT;
    case LOGIN_GRANTED:
        return take(flow);
    default:
        return exchange_refuse_for(x, login_refusal(flow->login), "%s", login_detail(flow->login));
    }
}
