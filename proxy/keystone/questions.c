/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads the JSON of Keystone's API version 3
 * (https://docs.openstack.org/api-ref/identity/v3/). jansson gives its memory back with
 * secret_free(), see main.c. */
#include "keystone/questions.h"

#include "intake/secret.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- questions --------------------------------------------------------------------------- */

/* Keystone's ids of domains are 32 hexadecimal digits, but for the first one: "default". */
static bool is_domain_id(const char *domain)
{
    return strcmp(domain, "default") == 0 ||
           (strlen(domain) == 32 && strspn(domain, "0123456789abcdef") == 32);
}

static char *written(json_t *question)
{
    char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
    json_decref(question);
    return text;
}

/* `scope` may be NULL: left out. It is taken over. */
static char *auth(json_t *identity, json_t *scope)
{
    return written(json_pack("{s:{s:o, s:o*}}", "auth", "identity", identity, "scope", scope));
}

static char *password_question(const struct credential *credential)
{
    const char *key = is_domain_id(credential->domain) ? "id" : "name";
    json_t *identity = json_pack("{s:[s], s:{s:{s:s, s:{s:s}, s:s}}}", "methods", "password",
                                 "password", "user", "name", credential->name, "domain", key,
                                 credential->domain, "password", credential->secret);
    return auth(identity, *credential->project ? json_string("unscoped") : NULL);
}

static char *application_question(const struct credential *credential)
{
    return auth(json_pack("{s:[s], s:{s:s, s:s}}", "methods", "application_credential",
                          "application_credential", "id", credential->name, "secret",
                          credential->secret),
                NULL);
}

char *question_for_credential(const struct credential *credential)
{
    return credential->kind == CREDENTIAL_APPLICATION ? application_question(credential)
                                                      : password_question(credential);
}

char *question_for_project(const char *token, const char *project)
{
    return auth(json_pack("{s:[s], s:{s:s}}", "methods", "token", "token", "id", token),
                json_pack("{s:{s:s}}", "project", "id", project));
}

/* --- answers ----------------------------------------------------------------------------- */

static json_t *parsed(const struct reply *reply)
{
    return json_loadb(buffer_text(&reply->body), reply->body.len, JSON_REJECT_DUPLICATES, NULL);
}

/* Copies a text of an object. False: there is none, or it is too long. */
static bool take_text(const json_t *object, const char *key, char out[KEYSTONE_TEXT_MAX])
{
    const char *text = json_string_value(json_object_get(object, key));
    int length = snprintf(out, KEYSTONE_TEXT_MAX, "%s", text ? text : "");
    return text && *text && length < KEYSTONE_TEXT_MAX;
}

/* "2026-11-30T12:43:30.000000Z", always in UTC. */
static bool read_time(const char *text, uint64_t *ms)
{
    struct tm parts = {0};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
    time_t seconds = end ? timegm(&parts) : -1;
    if (seconds < 0)
        return false;
    *ms = (uint64_t)seconds * 1000;
    return true;
}

bool answer_read_token(const struct reply *reply, struct token_facts *out)
{
    json_t *answer = parsed(reply);
    const json_t *token = json_object_get(answer, "token");
    const json_t *project = json_object_get(token, "project");
    const json_t *domain = json_object_get(json_object_get(token, "user"), "domain");
    *out = (struct token_facts){0};
    bool good =
        read_time(json_string_value(json_object_get(token, "expires_at")), &out->expires_ms);
    if (project)
        good = good && take_text(project, "id", out->project) &&
               take_text(project, "name", out->project_name);
    take_text(domain, "id", out->domain);
    take_text(domain, "name", out->domain_name);
    json_decref(answer);
    return good;
}

/* --- the choice of a project ------------------------------------------------------------- */

struct wanted {
    const char *project; /* by id or name; "": any */
    const char *domain;  /* by id */
};

static bool has(const json_t *project, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(project, key));
    return text && *wanted && strcmp(text, wanted) == 0;
}

static bool has_id(const json_t *project, const struct wanted *wanted)
{
    return has(project, "id", wanted->project);
}

static bool is_named(const json_t *project, const struct wanted *wanted)
{
    return has(project, "name", wanted->project);
}

static bool is_named_in_domain(const json_t *project, const struct wanted *wanted)
{
    return is_named(project, wanted) && has(project, "domain_id", wanted->domain);
}

static bool is_any(const json_t *project, const struct wanted *wanted)
{
    (void)project;
    return !*wanted->project;
}

static const json_t *find(const json_t *projects, const struct wanted *wanted,
                          bool (*fits)(const json_t *, const struct wanted *), size_t *count)
{
    const json_t *found = NULL;
    size_t index;
    const json_t *project;
    *count = 0;
    json_array_foreach(projects, index, project)
    {
        if (!fits(project, wanted))
            continue;
        found = project;
        ++*count;
    }
    return found;
}

/* The first of these that fits any project decides. */
static const json_t *choose(const json_t *projects, const struct wanted *wanted, size_t *count)
{
    static bool (*const FITS[])(const json_t *, const struct wanted *) = {
        has_id, is_named_in_domain, is_named, is_any};
    const json_t *found = NULL;
    for (size_t i = 0; i < sizeof FITS / sizeof *FITS && !found; i++)
        found = find(projects, wanted, FITS[i], count);
    return found;
}

static void list_names(const json_t *projects, char names[KEYSTONE_TEXT_MAX])
{
    size_t index;
    const json_t *project;
    size_t used = 0;
    json_array_foreach(projects, index, project)
    {
        const char *name = json_string_value(json_object_get(project, "name"));
        int length = snprintf(names + used, KEYSTONE_TEXT_MAX - used, "%s%s", used ? ", " : "",
                              name ? name : "");
        if (length < 0 || (size_t)length >= KEYSTONE_TEXT_MAX - used)
            break;
        used += (size_t)length;
    }
    names[used] = '\0';
}

enum project_choice answer_choose_project(const struct reply *reply, const char *project,
                                          const char *domain, char id[KEYSTONE_TEXT_MAX],
                                          char names[KEYSTONE_TEXT_MAX])
{
    json_t *answer = parsed(reply);
    const json_t *projects = json_object_get(answer, "projects");
    size_t count = 0;
    const json_t *found = choose(projects, &(struct wanted){project, domain}, &count);
    enum project_choice choice = count > 1 ? PROJECT_MANY : count ? PROJECT_FOUND : PROJECT_NONE;
    if (!json_is_array(projects) || (count == 1 && !take_text(found, "id", id)))
        choice = PROJECT_UNREADABLE;
    list_names(projects, names);
    json_decref(answer);
    return choice;
}
