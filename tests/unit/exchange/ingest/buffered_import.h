/* SPDX-License-Identifier: Apache-2.0 */
/* An import whose body is buffered, for the tests of import.c. Include after <cmocka.h>. */
#ifndef BUFFERED_IMPORT_H
#define BUFFERED_IMPORT_H

#include "unit/exchange/fixture.h"

#define DIRECT    "\"method\": {\"name\": \"glance-direct\"}"
#define REWRITTEN "{\"method\":{\"name\":\"glance-direct\"},\"stores\":[\"test\"]}"

/* Rules are chosen by the image's name. */
static const char POLICY[] =
    "rules:\n"
    "  - {name: denied, when: {name: denied}, deny: not here}\n"
    "  - {name: choice, when: {name: choice}, store: file, mode: default, allow: [file, test]}\n"
    "  - {name: any, when: {name: any}, store: file, mode: default}\n"
    "  - {name: gold, when: {name: gold}, store: gold, mode: force}\n"
    "  - {name: large, when: {name: sized, larger_than: 100B}, deny: too much of it}\n"
    "  - {name: sized, when: {name: sized}, store: test, mode: force, max_size: 50B}\n"
    "  - {name: watched, when: {name: watched}, store: test, mode: audit}\n"
    "  - {name: fetched, when: {import_method: [web-download]}, store: file, mode: force}\n"
    "default: {store: test, mode: force}\n"
    "doors: {import_methods: [glance-direct, web-download, copy-image]}\n";

static const char GLANCE_HAS[] = "{\"stores\": [{\"id\": \"file\"}, {\"id\": \"test\"}]}";

/* The body is buffered, and Glance has described the image, and its stores unless `stores` is
 * NULL. */
static inline void begin(struct fixture *fixture, void **state, const char *name,
                         const char *header, const char *text, const char *stores)
{
    const char *const fields[] = {header ? "X-Image-Meta-Store" : NULL, header, NULL};
    fixture_begin_ingest(fixture, state, ROUTE_IMPORT, fields, POLICY, strlen(text));
    fixture->image->name = strdup(name);
    fixture->image->status = strdup("queued");
    fixture->image->owner = strdup("demo");
    if (stores)
        assert_true(stores_learn(fixture->parts.stores, stores, strlen(stores)));
    buffer_init(fixture_json(fixture), 4096);
    assert_true(buffer_append(fixture_json(fixture), text, strlen(text)));
    assert_int_equal(fixture_run(fixture, import_begin), STEP_NEXT);
    assert_int_equal(fixture_record(fixture)->kind, RECORD_IMPORT);
}

static inline void assert_text(const char *is, const char *wanted)
{
    if ((is == NULL) != (wanted == NULL) || (is && strcmp(is, wanted) != 0))
        fail_msg("%s, not %s", is ? is : "nothing", wanted ? wanted : "nothing");
}

/* Glance gets what the client has sent. */
static inline void assert_unchanged(struct fixture *fixture)
{
    uint64_t length;
    assert_true(headers_add(&fixture->out, "X-Image-Meta-Store", "as it came"));
    assert_true(import_change_headers(fixture->x, &fixture->out));
    assert_field(&fixture->out, "X-Image-Meta-Store", "as it came");
    assert_false(import_rewritten(fixture->x, &length));
}

/* Imports that are refused. */
static const struct {
    const char *name, *header, *text;
    enum refusal refusal;
    const char *detail;
} REFUSED[] = {
    {"denied", NULL, "{" DIRECT "}", REFUSAL_DENIED_BY_POLICY, "not here"},
    {"", NULL, "{\"method\": {\"name\": \"glance-download\"}}", REFUSAL_DENIED_BY_POLICY,
     "imports by glance-download are closed"},
    {"choice", "gold", "{" DIRECT "}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and the policy allows file, test"},
    {"choice", NULL, "{" DIRECT ", \"stores\": [\"file\", \"gold\"]}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and the policy allows file, test"},
    {"any", NULL, "{" DIRECT ", \"stores\": [\"os_glance_tasks_store\"]}",
     REFUSAL_STORE_NOT_ALLOWED,
     "it asks for os_glance_tasks_store, and the policy allows any store but Glance's reserved "
     "ones"},
    {"any", NULL, "{" DIRECT ", \"stores\": [\"test\", \"gold\"]}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and Glance has file, test"},
    {"any", "gold", "{" DIRECT "}", REFUSAL_STORE_NOT_ALLOWED,
     "it asks for gold, and Glance has file, test"},
    {"gold", "file", "{" DIRECT "}", REFUSAL_STORE_UNKNOWN,
     "it names gold, and Glance has file, test"},
    {"", NULL, "{\"method\": {\"name\": \"copy-image\"}, \"stores\": [\"file\"]}",
     REFUSAL_STORE_NOT_ALLOWED, "it asks for file, and the policy allows test"},
    {"", NULL, "{" DIRECT ", " DIRECT "}", REFUSAL_JSON_MALFORMED, "it has one key twice"},
    {"", NULL, "[]", REFUSAL_JSON_MALFORMED, "it has no method with a name"},
};

enum { REFUSED_COUNT = sizeof REFUSED / sizeof REFUSED[0] };

#endif
