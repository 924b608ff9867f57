/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of Keystone's API version 3: what is sent to it, and what it answers. */
#ifndef KEYSTONE_QUESTIONS_H
#define KEYSTONE_QUESTIONS_H

#include "intake/reply.h"
#include "keystone/credential.h"

#include <stdint.h>

enum { KEYSTONE_TEXT_MAX = 256 }; /* names have at most 255 bytes, ids at most 64 */

/* What a login needs to know of a token. */
struct token_facts {
    char project[KEYSTONE_TEXT_MAX];      /* its id; "": the token is of no project */
    char project_name[KEYSTONE_TEXT_MAX]; /* "": as well */
    char domain[KEYSTONE_TEXT_MAX];       /* of the user, its id; "": not known */
    char domain_name[KEYSTONE_TEXT_MAX];  /* likewise */
    uint64_t expires_ms;                  /* as clock_wall_ms() */
};

/* The body of POST /v3/auth/tokens, for a password or an application credential. With a project
 * that was asked for, a password gets a token of no project; else one of the user's default
 * project, or of none if he has none. NULL: no memory. To be freed with secret_free(). */
char *question_for_credential(const struct credential *credential);

/* The same, for a token of another project by means of a token. */
char *question_for_project(const char *token, const char *project);

/* False: `reply` does not describe a token. */
bool answer_read_token(const struct reply *reply, struct token_facts *out);

/* What is known of a user's projects. */
enum project_choice { PROJECT_FOUND, PROJECT_NONE, PROJECT_MANY, PROJECT_UNREADABLE };

/* Chooses from the answer to GET /v3/auth/projects the one that was asked for, by id or else by
 * name, or the only one if `project` is "". If several have the name, that of the domain with the
 * id `domain` counts. `id` gets it. If there is none, `names` gets a list of the user's projects,
 * cut if it is long. */
enum project_choice answer_choose_project(const struct reply *reply, const char *project,
                                          const char *domain, char id[KEYSTONE_TEXT_MAX],
                                          char names[KEYSTONE_TEXT_MAX]);

#endif
