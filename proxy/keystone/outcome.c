/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a login. */
#include "keystone/login.h"

#include "intake/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void login_settle(struct login *login, enum throttle_outcome outcome)
{
    if (login->charged)
        throttle_end(login->parts.keystone->throttle, &login->caller, outcome);
    login->charged = false;
}

void login_give_back(struct login *login)
{
    const char *token = login->state == LOGIN_GRANTED ? login->token : NULL;
    login_settle(login, THROTTLE_UNDECIDED);
    if (login->asks)
        known_tokens_end(login->parts.keystone->tokens, &login->hash, token, &login->facts);
    login->asks = false;
}

static void over(struct login *login, enum login_state state)
{
    login->state = state;
    login_give_back(login);
    secret_wipe(login->credential.secret);
    if (login->begun)
        login->wake(login->context);
}

void login_grant(struct login *login)
{
    over(login, LOGIN_GRANTED);
}

/* RFC 7617 2.1: with the charset, clients send UTF-8. Over plain HTTP nobody is asked for a
 * password. */
static bool add_challenge(struct login *login)
{
    char *challenge = NULL;
    if (login->secure)
        return headers_add(&login->fields, "WWW-Authenticate",
                           "Basic realm=\"glance-intake\", charset=\"UTF-8\"");
    if (asprintf(&challenge, "Keystone uri=\"%s\"", login->parts.keystone->url) < 0)
        return false;
    bool added = headers_add(&login->fields, "WWW-Authenticate", challenge);
    free(challenge);
    return added;
}

void login_refuse(struct login *login, enum refusal refusal, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(login->detail, sizeof login->detail, format, arguments);
    va_end(arguments);
    login->refusal = refusal;
    bool challenged = refusal == REFUSAL_LOGIN_FAILED || refusal == REFUSAL_LOGIN_REQUIRED;
    if (challenged && !add_challenge(login))
        login->refusal = REFUSAL_OUT_OF_MEMORY;
    over(login, LOGIN_REFUSED);
}
