/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of one login:
 *
 *   login.c      begins it, and waits for its turn
 *   dialogue.c   what is asked of Keystone, one question after the other
 *   outcome.c    its end */
#ifndef KEYSTONE_LOGIN_H
#define KEYSTONE_LOGIN_H

#include "intake/buffered_fetch.h"
#include "intake/headers.h"
#include "intake/login.h"
#include "intake/loop.h"
#include "keystone/credential.h"
#include "keystone/keystone_priv.h"
#include "keystone/questions.h"

enum { LOGIN_DETAIL_MAX = 640 };

struct login {
    struct login_parts parts;
    void (*wake)(void *context);
    void *context;
    bool begun; /* login_begin() has returned: `wake` may be called */
    enum login_state state;

    struct credential credential; /* the secret is wiped when it is not needed any more */
    bool secure;
    struct keyed_hash hash; /* of the credential and the project that was asked for */
    struct throttle_caller caller;

    /* What it must give back when it ends. */
    bool asks;    /* known_tokens_begin() told it to ask Keystone */
    bool charged; /* throttle_begin() counts it as under way */

    struct timer turn;                     /* while it waits for another login */
    uint64_t deadline_ms;                  /* clock_ms(): the latest end of that */
    struct fetch fetch;                    /* the current question, */
    char *body;                            /* its JSON, */
    void (*answered)(struct login *login); /* and who reads the answer */

    /* When it is over. */
    char *token;
    struct token_facts facts;
    enum refusal refusal;
    char detail[LOGIN_DETAIL_MAX];
    struct headers fields;
};

/* outcome.c: call one of them once; it may free the login. */
void login_grant(struct login *login);
void login_refuse(struct login *login, enum refusal refusal, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Tells the throttle what Keystone said to the credential, once. */
void login_settle(struct login *login, enum throttle_outcome outcome);

/* Gives back what other logins may wait for. May be repeated. */
void login_give_back(struct login *login);

/* dialogue.c: asks what the credential needs, and ends the login then. */
void dialogue_begin(struct login *login);

#endif
