/* SPDX-License-Identifier: Apache-2.0 */
/* After POST /v2/images: an upload to the new image will follow, and needs the usage of its
 * project, for which Glance takes 0.6 s to 2 s. So Glance is asked at once, with the same token,
 * while the client has its answer and prepares the upload.
 *
 * Glance's 201 also shows which project the token belongs to: its `owner`, if the request named
 * none (usage_answers.h says why). A request may name one in ways that need a parser to see. So a
 * text that might have the key "owner" counts as naming one: with "owner" as a key or value, with
 * an escaped character, or with a zero byte as in UTF-16. Such a request only confirms nothing. */
#include "exchange/relay/relay_steps.h"

#include "intake/client.h"
#include "intake/settings.h"
#include "intake/snapshot.h"
#include "intake/usage_questions.h"

#include <jansson.h>
#include <string.h>

static const char OWNER[] = "\"owner\"";

/* --- the request ----------------------------------------------------------------------------- */

static void search(struct owner_search *owner, char byte)
{
    owner->found |= byte == '\0' || (owner->escape && byte == 'u');
    owner->escape = byte == '\\';
    if (byte == OWNER[owner->matched])
        owner->matched++;
    else
        owner->matched = byte == OWNER[0];
    owner->found |= owner->matched == sizeof OWNER - 1;
    if (owner->found)
        owner->matched = 0;
}

static bool creates_image(const struct exchange *x)
{
    return x->request.route.kind == ROUTE_RELAY &&
           strcmp(x->request.target.path, "/v2/images") == 0 &&
           strcmp(client_head(x->client)->method, "POST") == 0;
}

void image_created_read(struct relay_flow *relay, const char *bytes, size_t count)
{
    bool creates = creates_image(&relay->x);
    for (size_t i = 0; creates && i < count && !relay->owner.found; i++)
        search(&relay->owner, bytes[i]);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void confirm(const struct relay_flow *relay, const struct headers *fields)
{
    const struct exchange *x = &relay->x;
    const struct buffer *body = &x->glance.answer.body;
    json_t *image = json_loadb(buffer_text(body), body->len, JSON_REJECT_DUPLICATES, NULL);
    const char *project = json_string_value(json_object_get(image, "owner"));
    if (project && *project)
        usage_answers_confirm(x->parts->usage_answers, fields, project);
    json_decref(image);
}

/* Half as long as an answer counts, so that the upload finds one that still counts. */
static bool is_wanted(struct usage_account *account)
{
    struct usage_answer answer;
    usage_account_look(account, &answer, NULL);
    return !answer.number || answer.age_ms >= USAGE_RECENT_MS / 2;
}

static void ask(const struct relay_flow *relay, const struct headers *fields)
{
    const struct exchange *x = &relay->x;
    struct usage_account *account = usage_account_open(x->parts->usage_answers, fields);
    if (account && is_wanted(account))
        usage_questions_ask(x->parts->usage_questions, account, x->snapshot, fields);
    usage_account_close(account);
}

void image_created_answered(struct relay_flow *relay)
{
    const struct exchange *x = &relay->x;
    struct headers fields = {0};
    if (x->glance.answer.status != 201 || !x->snapshot->settings->upload.check_quota ||
        !creates_image(x))
        return;
    if (headers_for_question(x, &fields)) {
        if (!relay->owner.found)
            confirm(relay, &fields);
        ask(relay, &fields);
    }
    headers_free(&fields);
}
