/* SPDX-License-Identifier: Apache-2.0 */
/* An upload that the policy decides on, for the tests of decide.c. Include after <cmocka.h>. */
#ifndef DECIDED_UPLOAD_H
#define DECIDED_UPLOAD_H

#include "unit/exchange/fixture.h"

/* Rules are chosen by the image's name; `large` by the size alone. */
static const char POLICY[] =
    "rules:\n"
    "  - {name: denied, when: {name: denied}, deny: not here}\n"
    "  - {name: large, when: {larger_than: 1KiB}, store: file, max_size: 4KiB}\n"
    "  - {name: choice, when: {name: choice}, store: file, mode: default,\n"
    "     allow: [file, test, gold]}\n"
    "default: {store: test, mode: force, max_virtual_size: 8KiB}\n";

static const char GLANCE_HAS[] = "{\"stores\": [{\"id\": \"file\"}, {\"id\": \"test\"}]}";
static const char GLANCE_HAS_LESS[] = "{\"stores\": [{\"id\": \"file\"}]}";

/* An upload to the image `name`, where Glance has `stores` (NULL: it has not told). */
static inline void begin(struct fixture *fixture, void **state, const char *name,
                         const char *stores)
{
    static const char *const fields[] = {NULL};
    fixture_begin(fixture, state, fields);
    fixture_policy(fixture, state, POLICY);
    fixture->image->name = strdup(name);
    fixture->size->known = true;
    fixture->size->bytes = 10;
    if (stores)
        assert_true(stores_learn(fixture->parts.stores, stores, strlen(stores)));
}

static inline void assert_decided(const struct fixture *fixture, const char *rule,
                                  const char *store)
{
    const struct request_record *upload = fixture_record(fixture);
    if ((rule == NULL) != (upload->rule == NULL) || (rule && strcmp(upload->rule, rule) != 0))
        fail_msg("by %s", upload->rule ? upload->rule : "no rule");
    if ((store == NULL) != (upload->store == NULL) || (store && strcmp(upload->store, store) != 0))
        fail_msg("to %s", upload->store ? upload->store : "no store");
}

#endif
