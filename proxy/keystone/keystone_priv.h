/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the logins.
 *
 *   keystone.c      what all workers share
 *   login.c         one login, from the head of a request to a token
 *   dialogue.c      what it asks of Keystone
 *   outcome.c       its end
 *   credential.c    who the head says it is from
 *   questions.c     the JSON that Keystone gets, and that of its answers
 *   known_tokens.c  the tokens that logins gave
 *   throttle.c      slows down logins after failed ones
 *   keyed_hash.c    names a secret, and does not tell it */
#ifndef KEYSTONE_PRIV_H
#define KEYSTONE_PRIV_H

#include "intake/keystone.h"
#include "keystone/keyed_hash.h"
#include "keystone/known_tokens.h"
#include "keystone/throttle.h"

/* Immutable but for the members that lock themselves. */
struct keystone {
    char *url;     /* up to and with "/v3" */
    char *ca_file; /* NULL: the CAs of the system */
    struct hash_key key;
    struct known_tokens *tokens;
    struct throttle *throttle;
};

#endif
