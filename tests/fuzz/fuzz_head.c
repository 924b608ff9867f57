/* SPDX-License-Identifier: Apache-2.0 */
/* METHOD, version, then header fields. An accepted head has one framing. The forwarded head has no
 * hop-by-hop and no identity fields, and all fields that the proxy judged. */
#include "input.h"

#include "intake/request.h"

#include <stdlib.h>
#include <string.h>

static void check_facts(const struct request_head *head, const struct framing_facts *facts)
{
    size_t lengths = headers_count(&head->headers, "Content-Length");
    size_t codings = headers_count(&head->headers, "Transfer-Encoding");
    property(lengths + codings <= 1);
    property((facts->framing == FRAMING_LENGTH) == (lengths == 1));
    property((facts->framing == FRAMING_CHUNKED) == (codings == 1));
    property(facts->length <= INT64_MAX);
    property(!strpbrk(head->method, "abcdefghijklmnopqrstuvwxyz"));
    property(headers_count(&head->headers, "Host") <= 1);
    headers_each(row, &head->headers)
        property(!strpbrk(row->name, " :\r\n") && !strpbrk(row->value, "\r\n"));
}

static void check_forwarded(const struct headers *from)
{
    struct origin origin = {"192.0.2.7", "http", "h", "", "192.0.2.7"};
    char id[REQUEST_ID_MAX + 1];
    struct headers once;
    struct headers twice;
    request_id_choose(from, id);
    property(*id && strlen(id) <= REQUEST_ID_MAX);
    property(forward_request_headers(from, &origin, id, &once));
    static const char *const gone[] = {
        "Connection", "Transfer-Encoding", "Content-Length", "Upgrade",           "Expect",
        "TE",         "X-Identity-Status", "X-Roles",        "X-Service-User-Id", "X-Tenant"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        property(!headers_count(&once, gone[i]));
    static const char *const single[] = {"Host", "X-Forwarded-For", "X-Openstack-Request-Id"};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        property(headers_count(&once, single[i]) == 1);
    static const char *const judged[] = {"Accept", "Content-Type", "X-Auth-Token",
                                         "X-Image-Meta-Store"};
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
        property(headers_count(&once, judged[i]) == headers_count(from, judged[i]));
    property(forward_request_headers(&once, &origin, id, &twice));
    property(once.count == twice.count);
    headers_free(&once);
    headers_free(&twice);
}

static void check_wish(const struct headers *headers)
{
    char *requested;
    property(requested_store(headers, &requested));
    property(!requested || (*requested && headers_count(headers, "X-Image-Meta-Store")));
    free(requested);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);
    char *at = text;
    struct request_head head = {.method = input_line(&at), .version = input_line(&at)};
    struct framing_facts facts;
    input_headers(&at, &head.headers);
    if (!head_fault(&head, &facts)) {
        check_facts(&head, &facts);
        check_forwarded(&head.headers);
        check_wish(&head.headers);
    }
    headers_free(&head.headers);
    free(text);
    return 0;
}
