/* SPDX-License-Identifier: Apache-2.0 */
/* Via (RFC 9110 7.6.3). The pseudonym is this process's alone: a request that comes with it has
 * been here before, and one that comes from another glance-intake has not. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char pseudonym[40];

static void choose(void)
{
    unsigned long long id;
    arc4random_buf(&id, sizeof id);
    snprintf(pseudonym, sizeof pseudonym, "glance-intake-%016llx", id);
}

static const char *own(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
    return pseudonym;
}

bool via_add(struct headers *headers)
{
    char value[sizeof pseudonym + 8];
    snprintf(value, sizeof value, "1.1 %s", own());
    return headers_add(headers, "Via", value);
}

/* Nobody else writes the pseudonym, so it does not matter where in the field it stands. */
bool via_has_own(const struct headers *headers)
{
    headers_each(row, headers)
        if (header_name_is(row->name, "Via") && strcasestr(row->value, own()))
            return true;
    return false;
}
