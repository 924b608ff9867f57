/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields about the client, and the origin found. Include after <cmocka.h>. */
#ifndef REQUEST_ORIGIN_ROWS_H
#define REQUEST_ORIGIN_ROWS_H

#include "intake/networks.h"
#include "intake/request.h"

enum { FIELDS_MAX = 4 };

#define TRUSTED   "10.0.0.1"
#define UNTRUSTED "192.0.2.99"

/* Fields added to "Host: own:9292", and the result. */
struct row {
    const char *why;
    const char *peer;
    struct header fields[FIELDS_MAX];
    struct origin wanted;
};

static inline bool find(const struct headers *headers, const char *peer, bool forwarded,
                        struct origin *origin, const char **fault)
{
    struct networks trusted = {0};
    assert_true(networks_add(&trusted, "10.0.0.0/8"));
    const struct origin_facts facts = {.peer = peer, .trusted = &trusted, .forwarded = forwarded};
    bool good = origin_find(headers, &facts, origin, fault);
    networks_free(&trusted);
    return good;
}

static inline void check(const struct row *row, bool forwarded)
{
    print_message("%s\n", row->why);
    struct headers headers = {0};
    struct origin origin;
    const char *fault;
    assert_true(headers_add(&headers, "Host", "own:9292"));
    for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name; i++)
        assert_true(headers_add(&headers, row->fields[i].name, row->fields[i].value));
    assert_true(find(&headers, row->peer, forwarded, &origin, &fault));
    assert_null(fault);
    assert_string_equal(origin.address, row->wanted.address);
    assert_string_equal(origin.proto, row->wanted.proto);
    assert_string_equal(origin.host, row->wanted.host);
    assert_string_equal(origin.prefix, row->wanted.prefix);
    assert_string_equal(origin.forwarded_for, row->wanted.forwarded_for);
    origin_free(&origin);
    headers_free(&headers);
}

#endif
