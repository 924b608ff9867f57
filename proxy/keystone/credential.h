/* SPDX-License-Identifier: Apache-2.0 */
/* Who a request says it is from: read from its head, without asking anybody. */
#ifndef KEYSTONE_CREDENTIAL_H
#define KEYSTONE_CREDENTIAL_H

#include "intake/login.h"

enum credential_kind { CREDENTIAL_TOKEN, CREDENTIAL_PASSWORD, CREDENTIAL_APPLICATION };

/* Owns its texts, which are valid UTF-8 without control characters. */
struct credential {
    enum credential_kind kind;
    char *name;           /* of the user, or the id of the application credential; "": a token */
    char *domain;         /* the user's, by name or id; "": not a user */
    char *secret;         /* the password, the secret or the token */
    char *project;        /* that was asked for, by name or id; "": none */
    char *project_domain; /* ?domain=, by name or id: it chooses between projects of one name;
                           * "": not given */
};

/* REFUSAL_NONE: `out` is the credential. Otherwise the reason, and `*detail` says more as a clause,
 * or is NULL. Call credential_free() in either case. */
enum refusal credential_read(const struct login_request *request, struct credential *out,
                             const char **detail);

/* Wipes and frees. A zero-initialised one is fine. */
void credential_free(struct credential *credential);

#endif
