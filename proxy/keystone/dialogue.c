/* SPDX-License-Identifier: Apache-2.0 */
/* What a login asks of Keystone, one question after the other:
 * - with a token: its project (GET auth/tokens);
 * - with an application credential: a token (POST auth/tokens), which is of its project;
 * - with a password: a token (POST auth/tokens), which is of the user's default project or of none.
 *   If that is not the project to upload for: the user's projects (GET auth/projects), then a token
 *   of the right one (POST auth/tokens).
 *
 * The password is sent once, and without the project that the client names. Keystone answers 401 to
 * a wrong password as to a wrong project, and only a wrong password may count as a failed login. */
#include "keystone/login.h"

#include "intake/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTION_TIMEOUT_MS = 30000 };

/* --- asking ------------------------------------------------------------------------------ */

static void on_answer(void *context)
{
    struct login *login = context;
    secret_free(login->body);
    login->body = NULL;
    login->answered(login);
}

/* `path` follows the URL of Keystone's API. The login's token, if it has one, is the caller's. */
static bool ask(struct login *login, const char *method, const char *path, struct headers *fields)
{
    char *url = NULL;
    const struct keystone *keystone = login->parts.keystone;
    if (asprintf(&url, "%s/%s", keystone->url, path) < 0)
        return false;
    const struct upstream_request request = {
        .method = method,
        .url = url,
        .ca_file = keystone->ca_file,
        .headers = fields,
        .framing = login->body ? FRAMING_LENGTH : FRAMING_NONE,
        .body = login->body,
        .length = login->body ? strlen(login->body) : 0,
        .timeout = QUESTION_TIMEOUT_MS,
    };
    fetch_end(&login->fetch);
    bool sent = fetch_start(&login->fetch, login->parts.glance, login->parts.settings, &request,
                            on_answer, login);
    free(url);
    return sent;
}

static void get(struct login *login, const char *path, const char *subject,
                void (*answered)(struct login *))
{
    struct headers fields = {0};
    login->answered = answered;
    bool sent = headers_add(&fields, "Accept", "application/json") &&
                headers_add(&fields, "X-Auth-Token", login->token) &&
                (!subject || headers_add(&fields, "X-Subject-Token", subject)) &&
                ask(login, "GET", path, &fields);
    headers_free(&fields);
    if (!sent)
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
}

/* Takes over `body`; NULL: no memory. */
static void post(struct login *login, char *body, void (*answered)(struct login *))
{
    struct headers fields = {0};
    login->answered = answered;
    login->body = body;
    bool sent = body && headers_add(&fields, "Accept", "application/json") &&
                headers_add(&fields, "Content-Type", "application/json") &&
                ask(login, "POST", "auth/tokens?nocatalog", &fields);
    headers_free(&fields);
    if (!sent)
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
}

/* --- reading answers --------------------------------------------------------------------- */

/* Keystone, or what answers in its place, has a fault that no user can correct. */
static void fail(struct login *login)
{
    const struct fetch *fetch = &login->fetch;
    if (fetch->result == TRANSFER_NO_MEMORY)
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
    else if (fetch->too_long)
        login_refuse(login, REFUSAL_KEYSTONE_UNREACHABLE, "its answer is too long");
    else if (!fetch_answered(fetch))
        login_refuse(login, REFUSAL_KEYSTONE_UNREACHABLE, "%s", fetch->detail);
    else if (fetch->answer.status / 100 == 2)
        login_refuse(login, REFUSAL_KEYSTONE_UNREACHABLE, "its answer cannot be read");
    else
        login_refuse(login, REFUSAL_KEYSTONE_UNREACHABLE, "it answers %u", fetch->answer.status);
}

static unsigned status_of(const struct login *login)
{
    return fetch_answered(&login->fetch) ? login->fetch.answer.status : 0;
}

/* The user, not Keystone, is why there is no token. A 404 tells of a wrong auth_url. */
static bool is_refused(unsigned status)
{
    return status == 400 || status == 401 || status == 403;
}

/* Keystone's answer to the first of two factors (multi-factor authentication). */
static bool needs_second_factor(const struct login *login)
{
    return headers_get(&login->fetch.answer.headers, "Openstack-Auth-Receipt") != NULL;
}

/* Replaces the login's token by that of the answer. False: there is none, or no memory. */
static bool take_token(struct login *login)
{
    const char *token = headers_get(&login->fetch.answer.headers, "X-Subject-Token");
    struct token_facts facts;
    if (!token || !*token || !answer_read_token(&login->fetch.answer, &facts))
        return false;
    char *copy = strdup(token);
    if (!copy)
        return false;
    secret_free(login->token);
    login->token = copy;
    login->facts = facts;
    return true;
}

/* --- the project ------------------------------------------------------------------------- */

/* A token has one project, so its name is enough. */
static bool is_of_wanted_project(const struct login *login)
{
    const char *wanted = login->credential.project;
    const struct token_facts *facts = &login->facts;
    if (!*facts->project || !*wanted)
        return *facts->project;
    return strcmp(facts->project, wanted) == 0 || strcmp(facts->project_name, wanted) == 0;
}

/* The list of projects has only the ids of their domains. The name that Keystone has told is that
 * of the user's. */
static const char *wanted_domain(const struct login *login)
{
    const char *wanted = login->credential.project_domain;
    return strcmp(wanted, login->facts.domain_name) == 0 ? login->facts.domain : wanted;
}

static void got_scoped(struct login *login)
{
    if (status_of(login) == 201 && take_token(login) && *login->facts.project)
        login_grant(login);
    else if (is_refused(status_of(login)))
        login_refuse(login, REFUSAL_LOGIN_FAILED, "Keystone gives no token of the project %s",
                     login->credential.project);
    else
        fail(login);
}

static void refuse_choice(struct login *login, enum project_choice choice, const char *names)
{
    const char *wanted = login->credential.project;
    if (!*names)
        login_refuse(login, REFUSAL_PROJECT_REQUIRED, "the user has no project");
    else if (*wanted && choice == PROJECT_NONE)
        login_refuse(login, REFUSAL_PROJECT_REQUIRED,
                     "the user has no project %s, but has these: %s", wanted, names);
    else
        login_refuse(login, REFUSAL_PROJECT_REQUIRED, "the user has several: %s", names);
}

static void got_projects(struct login *login)
{
    char id[KEYSTONE_TEXT_MAX];
    char names[KEYSTONE_TEXT_MAX];
    enum project_choice choice = PROJECT_UNREADABLE;
    if (status_of(login) == 200)
        choice = answer_choose_project(&login->fetch.answer, login->credential.project,
                                       wanted_domain(login), id, names);
    if (choice == PROJECT_UNREADABLE)
        fail(login);
    else if (choice == PROJECT_FOUND)
        post(login, question_for_project(login->token, id), got_scoped);
    else
        refuse_choice(login, choice, names);
}

static void settle_project(struct login *login)
{
    if (is_of_wanted_project(login))
        login_grant(login);
    else if (login->credential.kind == CREDENTIAL_PASSWORD)
        get(login, "auth/projects", NULL, got_projects);
    else if (*login->facts.project)
        login_refuse(login, REFUSAL_PROJECT_REQUIRED, "this %s is of the project %s",
                     login->credential.kind == CREDENTIAL_TOKEN ? "token"
                                                                : "application credential",
                     login->facts.project_name);
    else
        login_refuse(login, REFUSAL_PROJECT_REQUIRED, "the token is of no project");
}

/* --- the credential ---------------------------------------------------------------------- */

static void got_token(struct login *login)
{
    unsigned status = status_of(login);
    secret_wipe(login->credential.secret);
    if (status == 201 && take_token(login)) {
        login_settle(login, THROTTLE_GOOD);
        settle_project(login);
    } else if (status == 401 && needs_second_factor(login)) {
        login_refuse(login, REFUSAL_LOGIN_FAILED,
                     "the user needs a second factor, and an application credential does not");
    } else if (is_refused(status)) {
        login_settle(login, THROTTLE_BAD);
        login_refuse(login, REFUSAL_LOGIN_FAILED, "%s", "");
    } else {
        fail(login);
    }
}

static void got_own_token(struct login *login)
{
    unsigned status = status_of(login);
    if (status == 200 && answer_read_token(&login->fetch.answer, &login->facts))
        settle_project(login);
    else if (is_refused(status) || status == 404)
        login_refuse(login, REFUSAL_LOGIN_FAILED, "the token is not valid");
    else
        fail(login);
}

void dialogue_begin(struct login *login)
{
    if (login->credential.kind != CREDENTIAL_TOKEN) {
        post(login, question_for_credential(&login->credential), got_token);
        return;
    }
    login->token = strdup(login->credential.secret);
    if (login->token)
        get(login, "auth/tokens?nocatalog", login->token, got_own_token);
    else
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
}
