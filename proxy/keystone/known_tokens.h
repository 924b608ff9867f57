/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens that logins gave, by the keyed hash of the credential, over all workers. Logins with
 * one credential at one time ask Keystone once: the first one asks, and the others wait. */
#ifndef KEYSTONE_KNOWN_TOKENS_H
#define KEYSTONE_KNOWN_TOKENS_H

#include "keystone/keyed_hash.h"
#include "keystone/questions.h"

struct known_tokens;

enum {
    KNOWN_TOKENS_MAX = 1024,       /* the one that was not used longest goes first */
    KNOWN_TOKEN_MARGIN_MS = 300000 /* a token that expires within this time is not given out */
};

/* Thread-safe, as are all calls. NULL: no memory. */
struct known_tokens *known_tokens_new(void);
void known_tokens_free(struct known_tokens *all); /* wipes them; NULL is fine */

enum known_state {
    KNOWN_TOKEN,   /* `*token` is a copy, to be freed with secret_free(), and `facts` are its own */
    KNOWN_ASKED,   /* another login asks Keystone: look again soon */
    KNOWN_NOTHING, /* the caller asks Keystone, and must call known_tokens_end() */
    KNOWN_NO_MEMORY
};
enum known_state known_tokens_begin(struct known_tokens *all, const struct keyed_hash *credential,
                                    char **token, struct token_facts *facts);

/* Copies the token. NULL: there is none to remember. */
void known_tokens_end(struct known_tokens *all, const struct keyed_hash *credential,
                      const char *token, const struct token_facts *facts);

/* Wipes the token of the credential, if it is still this one. NULL: whichever it is. */
void known_tokens_drop(struct known_tokens *all, const struct keyed_hash *credential,
                       const char *token);

#endif
