/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and for which project. This step is the first one. So a client that sends its password
 * over plain HTTP learns of that, whatever else is wrong with its request. */
#include "exchange/core/log_in.h"
#include "exchange/new_image/new_image_flow.h"

#include "intake/login.h"
#include "intake/record.h"

#include <string.h>

static enum step_result take(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    x->token = strdup(login_token(flow->login));
    bool good = x->token &&
                (!x->record ||
                 record_describe_image(x->record, login_project(flow->login), flow->wanted.name));
    return good ? STEP_NEXT : exchange_no_memory(x);
}

enum step_result new_image_login(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    enum step_result result =
        exchange_log_in(x, &flow->login, flow->wanted.project, flow->wanted.domain, false);
    return result == STEP_NEXT ? take(flow) : result;
}
