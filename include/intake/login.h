/* SPDX-License-Identifier: Apache-2.0 */
/* A login: gets a token from Keystone for the credential in the head of a request. The credential
 * is one of these:
 * - X-Auth-Token, a token that the client has. Keystone is asked for its project;
 * - Authorization: Basic (RFC 7617) with `user:password`. The user is `name@domain`, whose domain
 * is what follows the last @; without @ it is ?domain=, and without that it is Default;
 * - Authorization: Basic with `id:secret` of an application credential: 32 hexadecimal digits
 * without
 *   @ and ?domain=.
 *
 * A password is accepted only over TLS. A credential is wiped as soon as Keystone has answered. All
 * that is kept of it is a keyed hash, with the token that it gave, until shortly before that
 * expires. Logins that failed slow down further ones from their address and for their user, since
 * Keystone locks a user out after some (lockout_failure_attempts). */
#ifndef INTAKE_LOGIN_H
#define INTAKE_LOGIN_H

#include "intake/refusal.h"

#include <stdbool.h>
#include <stdint.h>

struct glance;
struct headers;
struct keystone;
struct login;
struct loop;
struct settings;

enum login_state { LOGIN_RUNNING, LOGIN_GRANTED, LOGIN_REFUSED };

/* Borrowed until login_begin() returns. */
struct login_request {
    const struct headers *headers; /* the client's */
    const char *project;           /* ?project=, decoded: a name or an id; NULL: not given */
    const char *domain;            /* ?domain=, decoded: a name or an id; NULL: not given */
    const char *client;            /* its numeric address, behind trusted proxies; "": not known */
    bool secure;                   /* TLS protects the request on its whole way */
    bool fresh;                    /* Keystone is asked, and the token that is known is forgotten */
};

/* What a login works with, in the thread of one worker. Borrowed until login_free(). */
struct login_parts {
    struct keystone *keystone;
    struct loop *loop;
    struct glance *glance;           /* whose libcurl sends the questions */
    const struct settings *settings; /* for timeouts */
};

/* Begins a login, which may be over at once: see login_state(). Otherwise `wake` is called when it
 * is over, never from within login_begin(). Nothing is asked for a request that is refused for its
 * own sake. NULL: no memory. Owned by the caller. */
struct login *login_begin(const struct login_parts *parts, const struct login_request *request,
                          void (*wake)(void *context), void *context);

enum login_state login_state(const struct login *login);

/* Of a login that is granted; borrowed until login_free(). The project is an id. */
const char *login_token(const struct login *login);
const char *login_project(const struct login *login);
const char *login_project_name(const struct login *login);
uint64_t login_expires_ms(const struct login *login); /* as clock_wall_ms() */

/* Of a login that is refused; borrowed until login_free(). The fields belong in the answer:
 * WWW-Authenticate, Retry-After. */
enum refusal login_refusal(const struct login *login);
const char *login_detail(const struct login *login);
const struct headers *login_fields(const struct login *login);

/* Glance has answered 401 to the token: the next login asks Keystone for another one. */
void login_token_refused(struct login *login);

/* Ends it in any state, and wipes what is secret. NULL is fine. */
void login_free(struct login *login);

#endif
