/* SPDX-License-Identifier: Apache-2.0 */
#include "small.h"

#include "answer.h"
#include "stream.h"

#include <stdio.h>

void small_request(struct wire *wire, const struct target *target)
{
    struct answer answer;
    struct stream stream = {0};
    char id[STREAM_ID_SIZE], head[256];
    stream_name(&stream, 0, id);
    int size = snprintf(head, sizeof head,
                        "GET /v2/images/%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                        "X-Auth-Token: bench\r\n\r\n",
                        id, target->port);
    if (!wire_send(wire, head, (size_t)size))
        fail("a small request cannot be sent");
    answer_read(&answer, wire, 200);
    answer_drop_body(&answer, wire);
}
