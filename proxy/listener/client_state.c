/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a request, and which of them may follow another one. Builds with assertions, which
 * the tests use, end with a change that the table does not have.
 *
 *     HEAD -> BODYLESS -> COMPLETE -> ANSWERABLE -> ANSWERING ------------> OVER
 *     HEAD -> HELD -> INVITED -> RECEIVING -> COMPLETE
 *                                RECEIVING -> RAW_BODY
 *                                RECEIVING -> ANSWERABLE
 *                     HELD to COMPLETE -> RAW_RESPONSE -> DRAINING -------> OVER
 *
 * A request can be over at any time. Without memory it is answered without a RAW_RESPONSE. */
#include "listener/listener_priv.h"

#include <assert.h>

#define MAY_BE(state)  (1U << (unsigned)(state))
#define ANY_RAW_ANSWER (MAY_BE(CLIENT_RAW_RESPONSE) | MAY_BE(CLIENT_DRAINING))

static const unsigned after[] = {
    [CLIENT_HEAD] = MAY_BE(CLIENT_BODYLESS) | MAY_BE(CLIENT_HELD) | MAY_BE(CLIENT_DRAINING),
    [CLIENT_BODYLESS] = MAY_BE(CLIENT_COMPLETE),
    [CLIENT_HELD] = MAY_BE(CLIENT_INVITED) | ANY_RAW_ANSWER,
    [CLIENT_INVITED] = MAY_BE(CLIENT_RECEIVING) | ANY_RAW_ANSWER,
    /* ANSWERABLE: its last byte was read, before libmicrohttpd has told the end */
    [CLIENT_RECEIVING] = MAY_BE(CLIENT_COMPLETE) | MAY_BE(CLIENT_RAW_BODY) |
                         MAY_BE(CLIENT_ANSWERABLE) | ANY_RAW_ANSWER,
    [CLIENT_RAW_BODY] = ANY_RAW_ANSWER,
    [CLIENT_COMPLETE] = MAY_BE(CLIENT_ANSWERABLE) | ANY_RAW_ANSWER,
    [CLIENT_ANSWERABLE] = MAY_BE(CLIENT_ANSWERING) | MAY_BE(CLIENT_DRAINING),
    [CLIENT_ANSWERING] = 0,
    [CLIENT_RAW_RESPONSE] = MAY_BE(CLIENT_DRAINING),
    [CLIENT_DRAINING] = 0,
    [CLIENT_OVER] = 0,
};

void client_set_state(struct client *client, enum client_state state)
{
    bool may_follow = state == CLIENT_OVER || after[client->state] & MAY_BE(state);
    assert(may_follow);
    (void)may_follow; /* without assertions */
    client->state = state;
}
