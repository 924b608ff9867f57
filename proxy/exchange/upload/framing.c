/* SPDX-License-Identifier: Apache-2.0 */
/* How the whole data of an upload comes. That is the framing of its request, unless the upload was
 * created first: then several requests bring the data, and its length is known from the beginning.
 */
#include "exchange/upload/upload_steps.h"

#include "intake/client.h"

enum framing upload_framing(const struct upload_flow *upload)
{
    return upload->creation.wanted ? FRAMING_LENGTH : client_framing(upload->x.client)->framing;
}

uint64_t upload_length(const struct upload_flow *upload)
{
    return upload->creation.wanted ? upload->creation.length
                                   : client_framing(upload->x.client)->length;
}

uint64_t upload_data_length(const struct upload_flow *upload)
{
    return upload->creation.wanted ? upload->creation.length : upload->sent_length;
}

bool upload_has_body(const struct upload_flow *upload)
{
    return upload->creation.wanted || request_has_body(upload->x.client);
}
