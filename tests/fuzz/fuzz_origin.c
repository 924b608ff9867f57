/* SPDX-License-Identifier: Apache-2.0 */
/* The peer, then header fields: the origin must be well-formed whatever a proxy sends. */
#include "input.h"

#include "intake/networks.h"
#include "intake/request.h"

#include <stdlib.h>
#include <string.h>

static void check(const struct origin *origin, const char *peer, const struct headers *headers)
{
    property(!*origin->address || address_valid(origin->address));
    property(!strcmp(origin->proto, "http") || !strcmp(origin->proto, "https"));
    const char *own = headers_get(headers, "Host");
    bool kept = !strcmp(origin->host, own ? own : "");
    property(kept || !strpbrk(origin->host, " /@?#\"<>\\,;\r\t"));
    size_t length = strlen(origin->prefix);
    property(!length || (origin->prefix[0] == '/' && origin->prefix[length - 1] != '/'));
    size_t tail = strlen(origin->forwarded_for) - strlen(peer);
    property(!strcmp(origin->forwarded_for + tail, peer));
}

/* Addresses that a client puts before the one a trusted proxy appends must change nothing. */
static void forge(const struct headers *headers, const struct origin_facts *facts)
{
    static const char real[] = "198.51.100.7";
    const char *name = facts->forwarded ? "Forwarded" : "X-Forwarded-For";
    struct headers told = {0};
    struct origin origin;
    const char *fault;
    headers_each(row, headers)
        property(headers_add(&told, row->name, row->value));
    property(headers_add(&told, name, facts->forwarded ? "for=198.51.100.7" : real));
    property(origin_find(&told, facts, &origin, &fault) && !fault);
    property(!networks_have(facts->trusted, facts->peer) || !strcmp(origin.address, real));
    origin_free(&origin);
    headers_free(&told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD_MAX = 32 * 1024 }; /* more does not get past the listener */
    if (size > HEAD_MAX)
        return 0;
    char *text = input_text(data, size);
    char *at = text;
    const char *peer = input_line(&at);
    if (!address_valid(peer)) /* the kernel gives no other */
        peer = "10.1.2.3";
    struct networks trusted = {0};
    struct headers headers = {0};
    struct origin origin;
    const char *fault;
    property(networks_add(&trusted, "10.0.0.0/8") && networks_add(&trusted, "::1"));
    input_headers(&at, &headers);
    struct origin_facts facts = {.peer = peer, .trusted = &trusted, .forwarded = size % 2};
    property(origin_find(&headers, &facts, &origin, &fault));
    if (!fault)
        check(&origin, peer, &headers);
    forge(&headers, &facts);
    origin_free(&origin);
    headers_free(&headers);
    networks_free(&trusted);
    free(text);
    return 0;
}
