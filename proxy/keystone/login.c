/* SPDX-License-Identifier: Apache-2.0 */
/* One login: looks for a token that is known, and waits for its turn. */
#include "keystone/login.h"

#include "intake/clock.h"
#include "intake/container.h"
#include "intake/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A login waits for another one only as long as that asks Keystone. It looks again this often, and
 * gives up after TURN_MAX_MS. */
enum { TURN_MS = 50, TURN_MAX_MS = 60000 };

/* --- its turn ---------------------------------------------------------------------------- */

static void refuse_early(struct login *login, uint64_t retry_ms)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%" PRIu64, (retry_ms + 999) / 1000);
    if (headers_add(&login->fields, "Retry-After", seconds))
        login_refuse(login, REFUSAL_TOO_MANY_FAILED_LOGINS,
                     "from this address or for this user; the next may come in %s s", seconds);
    else
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
}

static void wait_for_turn(struct login *login)
{
    if (clock_ms() >= login->deadline_ms)
        login_refuse(login, REFUSAL_KEYSTONE_UNREACHABLE, "it is busy with other logins");
    else if (!timer_set(login->parts.loop, &login->turn, TURN_MS))
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
}

/* A token is no guess at a password: Keystone does not count those that are not valid. */
static void ask(struct login *login)
{
    uint64_t retry_ms = 0;
    enum throttle_verdict verdict = THROTTLE_GO;
    if (login->credential.kind != CREDENTIAL_TOKEN) {
        verdict = throttle_begin(login->parts.keystone->throttle, &login->caller, &retry_ms);
        login->charged = verdict == THROTTLE_GO;
    }
    if (verdict == THROTTLE_GO)
        dialogue_begin(login);
    else if (verdict == THROTTLE_WAIT)
        wait_for_turn(login);
    else
        refuse_early(login, retry_ms);
}

static void look(struct login *login)
{
    switch (known_tokens_begin(login->parts.keystone->tokens, &login->hash, &login->token,
                               &login->facts)) {
    case KNOWN_TOKEN:
        login_grant(login);
        return;
    case KNOWN_ASKED:
        wait_for_turn(login);
        return;
    case KNOWN_NO_MEMORY:
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
        return;
    case KNOWN_NOTHING:
        login->asks = true;
        ask(login);
        return;
    }
}

static void turn(struct timer *timer)
{
    struct login *login = CONTAINER_OF(timer, struct login, turn);
    if (login->asks)
        ask(login);
    else
        look(login);
}

/* --- the beginning ----------------------------------------------------------------------- */

static bool make_hashes(struct login *login, const char *client)
{
    static const char *const KINDS[] = {[CREDENTIAL_TOKEN] = "token",
                                        [CREDENTIAL_PASSWORD] = "password",
                                        [CREDENTIAL_APPLICATION] = "application"};
    const struct credential *credential = &login->credential;
    const struct hash_key *key = &login->parts.keystone->key;
    const char *const texts[] = {KINDS[credential->kind], credential->name,
                                 credential->domain,      credential->secret,
                                 credential->project,     credential->project_domain};
    return keyed_hash(key, texts, sizeof texts / sizeof *texts, &login->hash) &&
           throttle_caller_of(key, client, credential->name, &login->caller);
}

static void begin(struct login *login, const struct login_request *request)
{
    const char *detail;
    enum refusal refusal = credential_read(request, &login->credential, &detail);
    if (refusal)
        login_refuse(login, refusal, "%s", detail ? detail : "");
    else if (!make_hashes(login, request->client))
        login_refuse(login, REFUSAL_OUT_OF_MEMORY, "%s", "");
    else {
        if (request->fresh)
            known_tokens_drop(login->parts.keystone->tokens, &login->hash, NULL);
        look(login);
    }
}

struct login *login_begin(const struct login_parts *parts, const struct login_request *request,
                          void (*wake)(void *context), void *context)
{
    struct login *login = calloc(1, sizeof *login);
    if (!login)
        return NULL;
    login->parts = *parts;
    login->wake = wake;
    login->context = context;
    login->secure = request->secure;
    login->turn.fire = turn;
    login->deadline_ms = clock_ms() + TURN_MAX_MS;
    begin(login, request);
    login->begun = true;
    return login;
}

/* --- the result -------------------------------------------------------------------------- */

enum login_state login_state(const struct login *login)
{
    return login->state;
}

const char *login_token(const struct login *login)
{
    return login->token;
}

const char *login_project(const struct login *login)
{
    return login->facts.project;
}

const char *login_project_name(const struct login *login)
{
    return login->facts.project_name;
}

uint64_t login_expires_ms(const struct login *login)
{
    return login->facts.expires_ms;
}

enum refusal login_refusal(const struct login *login)
{
    return login->refusal;
}

const char *login_detail(const struct login *login)
{
    return login->detail;
}

const struct headers *login_fields(const struct login *login)
{
    return &login->fields;
}

void login_token_refused(struct login *login)
{
    if (login->state == LOGIN_GRANTED)
        known_tokens_drop(login->parts.keystone->tokens, &login->hash, login->token);
}

/* If the client leaves first, Keystone may have counted its password. It counts here, too:
 * otherwise leaving would be a way around the delays. */
void login_free(struct login *login)
{
    if (!login)
        return;
    login_settle(login, THROTTLE_BAD);
    timer_cancel(login->parts.loop, &login->turn);
    fetch_end(&login->fetch);
    login_give_back(login);
    secret_free(login->body);
    secret_free(login->token);
    credential_free(&login->credential);
    headers_free(&login->fields);
    secret_free(login);
}
