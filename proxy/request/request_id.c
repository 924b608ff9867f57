/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include "request_priv.h"

#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

static const char NAME[] = "X-Openstack-Request-Id";

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
    uuid_generate_random(uuid);
    uuid_unparse_lower(uuid, text);
    snprintf(out, REQUEST_ID_MAX + 1, "req-%s", text);
}
