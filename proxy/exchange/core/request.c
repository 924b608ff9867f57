/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"

bool exchange_has_body(const struct exchange *x)
{
    const struct framing_facts *framing = client_framing(x->client);
    return framing->framing == FRAMING_CHUNKED || framing->length > 0;
}
