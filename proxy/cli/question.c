/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the options that describe a request for `explain`, and builds its head. */
#include "cli/cli.h"
#include "intake/networks.h"
#include "intake/request.h"
#include "intake/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool sends_data(const struct question *question)
{
    return question->kind == RECORD_FILE || question->kind == RECORD_STAGE;
}

/* Whether there is data: it is sent, or imported from what Glance has already. */
static bool has_data(const struct question *question)
{
    return sends_data(question) || policy_import_has_data(question->facts.import_method);
}

/* --- options ------------------------------------------------------------------------------ */

/* Facts whose text is not parsed. */
static const size_t text_facts[] = {
#define TEXT_FACT(id, member) [(id)-QUESTION_PROJECT] = offsetof(struct policy_facts, member)
    TEXT_FACT(QUESTION_PROJECT, project),
    TEXT_FACT(QUESTION_DISK_FORMAT, disk_format),
    TEXT_FACT(QUESTION_CONTAINER_FORMAT, container_format),
    TEXT_FACT(QUESTION_NAME, name),
    TEXT_FACT(QUESTION_VISIBILITY, visibility),
    TEXT_FACT(QUESTION_USER_AGENT, user_agent),
#undef TEXT_FACT
};

static bool take_text(struct policy_facts *facts, enum question_id id, const char *text)
{
    *(const char **)((char *)facts + text_facts[id - QUESTION_PROJECT]) = text;
    return true;
}

static bool take_client(struct policy_facts *facts, const char *text, FILE *errors)
{
    facts->client = text;
    if (address_valid(text))
        return true;
    fprintf(errors, "glance-intake: --client '%s' is not an IP address\n", text);
    return false;
}

static bool take_size(struct policy_facts *facts, const char *text, FILE *errors)
{
    facts->size_known = units_parse_size(text, &facts->size);
    if (!facts->size_known)
        fprintf(errors, "glance-intake: --size '%s' is not " UNITS_SIZE_FORM "\n", text);
    return facts->size_known;
}

static bool take_kind(struct question *question, const char *text, FILE *errors)
{
    static const char *const ingest[] = {[RECORD_FILE] = "upload",
                                         [RECORD_STAGE] = "stage",
                                         [RECORD_IMPORT] = "import",
                                         [RECORD_LOCATIONS] = "locations",
                                         [RECORD_TASK] = "tasks"};
    question->kind_given = true;
    for (size_t i = 0; i < sizeof ingest / sizeof ingest[0]; i++)
        if (strcmp(text, ingest[i]) == 0) {
            question->kind = (enum record_kind)i;
            return true;
        }
    fprintf(errors, "glance-intake: --door '%s' is not upload, stage, import, locations or tasks\n",
            text);
    return false;
}

/* Only an import has a method, so the option implies --door import. */
static bool take_method(struct question *question, const char *text)
{
    question->facts.import_method = text;
    if (!question->kind_given)
        question->kind = RECORD_IMPORT;
    return true;
}

static bool no_memory(FILE *errors)
{
    fprintf(errors, "glance-intake: no memory\n");
    return false;
}

/* Parses "Name: value". Strips blanks around the value. */
static bool take_header(struct question *question, const char *text, FILE *errors)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon == text) {
        fprintf(errors, "glance-intake: --header '%.80s' is not 'Name: value'\n", text);
        return false;
    }
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t length = strlen(value);
    while (length > 0 && strchr(" \t", value[length - 1]))
        length--;
    char *name = strndup(text, (size_t)(colon - text));
    char *copy = strndup(value, length);
    bool good = name && copy && headers_add(&question->headers, name, copy);
    free(name);
    free(copy);
    return good || no_memory(errors);
}

bool question_take(struct question *question, enum question_id id, const char *text, FILE *errors)
{
    switch (id) {
    case QUESTION_CLIENT:
        return take_client(&question->facts, text, errors);
    case QUESTION_SIZE:
        return take_size(&question->facts, text, errors);
    case QUESTION_INGEST:
        return take_kind(question, text, errors);
    case QUESTION_IMPORT_METHOD:
        return take_method(question, text);
    case QUESTION_STORE:
        return text_list_add(&question->stores, &question->store_count, text) || no_memory(errors);
    case QUESTION_ALL_STORES:
        question->all_stores = true;
        return true;
    case QUESTION_HEADER:
        return take_header(question, text, errors);
    case QUESTION_CHUNKED:
        question->chunked = true;
        return true;
    default:
        return take_text(&question->facts, id, text);
    }
}

bool question_check(const struct question *question, FILE *errors)
{
    bool imports = question->kind == RECORD_IMPORT;
    const char *fault = NULL;
    if (imports && !question->facts.import_method)
        fault = "an import needs --import-method";
    else if (!imports && question->facts.import_method)
        fault = "--import-method goes with --door import";
    else if (!imports && question->all_stores)
        fault = "--all-stores goes with --import-method";
    else if (!imports && question->store_count > 1)
        fault = "only an import asks for more than one --store";
    else if (!sends_data(question) && question->chunked)
        fault = "--chunked goes with an upload: other operations send no data";
    else if (!has_data(question) && question->facts.size_known)
        fault =
            "--size goes with an upload, glance-direct or copy-image: else there is no data yet";
    if (fault)
        fprintf(errors, "glance-intake: %s\n", fault);
    return !fault;
}

/* --- the head ----------------------------------------------------------------------------- */

/* Adds the field unless --header named it, also with an empty value. */
static bool add_default(struct headers *headers, const struct question *question, const char *name,
                        const char *value)
{
    return headers_count(&question->headers, name) > 0 || headers_add(headers, name, value);
}

static bool add_given(struct headers *headers, const struct question *question)
{
    bool good = true;
    headers_each(row, &question->headers)
        good = good && (!*row->value || headers_add(headers, row->name, row->value));
    return good;
}

static bool add_length(struct headers *headers, const struct question *question)
{
    char length[24];
    snprintf(length, sizeof length, "%" PRIu64, question->facts.size);
    if (question->chunked)
        return headers_add(headers, "Transfer-Encoding", "chunked");
    return !question->facts.size_known || headers_add(headers, "Content-Length", length);
}

static bool add_data_fields(struct headers *headers, const struct question *question)
{
    return (question->store_count == 0 ||
            headers_add(headers, "X-Image-Meta-Store", question->stores[0])) &&
           add_default(headers, question, "Content-Type", "application/octet-stream") &&
           add_length(headers, question);
}

bool question_head(const struct question *question, struct request_head *head)
{
    bool sends = sends_data(question);
    *head = (struct request_head){
        .method = sends ? "PUT" : "POST", .version = "HTTP/1.1", .target = "/"};
    bool good = add_default(&head->headers, question, "Host", "glance") &&
                add_given(&head->headers, question) &&
                (!sends || add_data_fields(&head->headers, question));
    if (!good)
        headers_free(&head->headers);
    return good;
}

void question_free(struct question *question)
{
    free(question->stores);
    headers_free(&question->headers);
    *question = (struct question){0};
}
