/* SPDX-License-Identifier: Apache-2.0 */
/* Detects request loops with Via (RFC 9110 7.6.3). The pseudonym is unique to this process: a
 * request that has it passed this process before. Another glance-intake has another pseudonym. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char pseudonym[40];

static void choose_pseudonym(void)
{
    unsigned long long id;
    arc4random_buf(&id, sizeof id);
    snprintf(pseudonym, sizeof pseudonym, "glance-intake-%016llx", id);
}

static const char *own_pseudonym(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose_pseudonym);
    return pseudonym;
}

bool via_add(struct headers *headers)
{
    char value[sizeof pseudonym + 8];
    snprintf(value, sizeof value, "1.1 %s", own_pseudonym());
    return headers_add(headers, "Via", value);
}

/* Nobody else writes the pseudonym, so its position in the field does not matter. */
bool via_has_own(const struct headers *headers)
{
    headers_each(row, headers)
        if (header_name_is(row->name, "Via") && strcasestr(row->value, own_pseudonym()))
            return true;
    return false;
}
