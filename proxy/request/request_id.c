/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the request id: the client's own if it is a valid one, else a new one. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

static const char NAME[] = "X-Openstack-Request-Id";

/* Random bytes for this many ids are fetched at once: each call of arc4random_buf() is a system
 * call. */
enum { IDS_AT_ONCE = 64 };

static void random_bytes(uuid_t bytes)
{
    static _Thread_local uuid_t stock[IDS_AT_ONCE];
    static _Thread_local size_t left;
    if (left == 0) {
        arc4random_buf(stock, sizeof stock);
        left = IDS_AT_ONCE;
    }
    memcpy(bytes, stock[--left], sizeof(uuid_t));
}

/* Makes a UUID of version 4 (RFC 9562 5.4). libuuid's own function takes six system calls. */
static void new_uuid(uuid_t uuid)
{
    random_bytes(uuid);
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80);
}

void request_id_choose(const struct headers *headers, char out[REQUEST_ID_MAX + 1])
{
    const char *theirs = headers_get(headers, NAME);
    if (theirs && headers_count(headers, NAME) == 1 && strlen(theirs) <= REQUEST_ID_MAX &&
        token_valid(theirs)) {
        snprintf(out, REQUEST_ID_MAX + 1, "%s", theirs);
        return;
    }
    uuid_t uuid;
    char text[UUID_STR_LEN];
    new_uuid(uuid);
    uuid_unparse_lower(uuid, text);
    snprintf(out, REQUEST_ID_MAX + 1, "req-%s", text);
}
