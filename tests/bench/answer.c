/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns where the body begins. The head is in answer->bytes, with a NUL after it. */
static char *receive_head(struct answer *answer, struct wire *wire, size_t *filled)
{
    char *end = NULL;
    for (*filled = 0; !end; end = strstr(answer->bytes, "\r\n\r\n")) {
        size_t got = wire_receive(wire, answer->bytes + *filled, ANSWER_MAX - *filled);
        if (got == 0)
            fail("no answer, but %zu bytes of one", *filled);
        *filled += got;
        answer->bytes[*filled] = '\0';
    }
    return end + 4;
}

void answer_read(struct answer *answer, struct wire *wire, unsigned wanted)
{
    static const char field[] = "\r\nContent-Length:";
    size_t filled;
    char *body = receive_head(answer, wire, &filled);
    if (sscanf(answer->bytes, "HTTP/1.%*c %u", &answer->status) != 1 || answer->status != wanted)
        fail("not %u, but:\n%s", wanted, answer->bytes);
    const char *length = strcasestr(answer->bytes, field);
    answer->length = length && length < body ? strtoull(length + sizeof field - 1, NULL, 10) : 0;
    answer->body = body;
    answer->body_there = filled - (size_t)(body - answer->bytes);
    if (answer->body_there > answer->length)
        fail("more than was announced:\n%s", answer->bytes);
}

void answer_drop_body(struct answer *answer, struct wire *wire)
{
    for (uint64_t there = answer->body_there; there < answer->length;) {
        size_t got = wire_receive(wire, answer->bytes, ANSWER_MAX);
        if (got == 0)
            fail("an answer of %" PRIu64 " bytes ends after %" PRIu64, answer->length, there);
        there += got;
    }
}
