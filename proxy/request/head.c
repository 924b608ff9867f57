/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a request head. libmicrohttpd's parser is lenient, and the next server may be lenient in
 * other ways. So a head is forwarded only if it is unambiguous, against request smuggling. */
#include "intake/request.h"

#include "request/request_priv.h"

#include <string.h>
#include <strings.h>

static const char *request_line_fault(const struct request_head *head)
{
    if (!token_valid(head->method))
        return "the method is not a token";
    for (const char *at = head->method; *at; at++)
        if (*at >= 'a' && *at <= 'z')
            return "the method has a letter that is not a capital";
    if (!strcmp(head->method, "CONNECT"))
        return "CONNECT asks for a tunnel, and there is none here";
    const char *version = head->version;
    if (strlen(version) != 8 || strncmp(version, "HTTP/1.", 7) != 0 || version[7] < '0' ||
        version[7] > '9')
        return "the version is not HTTP/1.0 or HTTP/1.1";
    return NULL;
}

static bool old_version(const struct request_head *head)
{
    return !strcmp(head->version, "HTTP/1.0");
}

static const char *fields_fault(const struct headers *headers)
{
    headers_each(row, headers) {
        if (!token_valid(row->name))
            return "a header name has a character that does not belong in one";
        if (!value_valid(row->value))
            return "a header value has a control character";
        if (strchr(row->name, '_') && (header_name_is(row->name, "Content-Length") ||
                                       header_name_is(row->name, "Transfer-Encoding")))
            return "Content-Length or Transfer-Encoding is spelled with an underscore";
    }
    return NULL;
}

/* Compares as Glance does: in any spelling of the field name. */
static bool option_is(struct span option, const char *field)
{
    char name[64];
    if (option.length >= sizeof name)
        return false;
    memcpy(name, option.text, option.length);
    name[option.length] = '\0';
    return header_name_is(name, field);
}

/* Fields that Connection names are not forwarded, but the proxy decides by the fields below. If it
 * dropped an Accept that changes Glance's routing, Glance would route the request differently from
 * the proxy. These fields are meant for all recipients, so a sender must not name them (RFC
 * 9110 7.6.1). */
static const char *connection_fault(const struct headers *headers)
{
    static const char *const end_to_end[] = {
        "Accept", "Content-Encoding", "Content-Range",     "Content-Type",
        "Host",   "X-Auth-Token",     "X-Image-Meta-Store"};
    struct span option;
    headers_each(row, headers)
        if (header_name_is(row->name, "Connection"))
            for (const char *at = row->value; list_next(&at, ',', &option);)
                for (size_t i = 0; i < sizeof end_to_end / sizeof *end_to_end; i++)
                    if (option_is(option, end_to_end[i]))
                        return "Connection names a field that is not the connection's own";
    return NULL;
}

static const char *host_fault(const struct request_head *head)
{
    size_t count = headers_count(&head->headers, "Host");
    if (count > 1)
        return "there is more than one Host";
    if (!count)
        return old_version(head) ? NULL : "there is no Host";
    if (!host_valid(headers_get(&head->headers, "Host")))
        return "Host is not a host name with an optional port";
    return NULL;
}

/* Parses 1*DIGIT below 2^63, which every server on the path can represent. */
static bool length_parse(const char *text, uint64_t *out)
{
    uint64_t length = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (length > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        length = length * 10 + digit;
    }
    *out = length;
    return at != text && !*at;
}

static const char *framing_fault(const struct request_head *head, struct framing_facts *out)
{
    const struct headers *headers = &head->headers;
    size_t lengths = headers_count(headers, "Content-Length");
    size_t codings = headers_count(headers, "Transfer-Encoding");
    if (lengths && codings)
        return "there are both Content-Length and Transfer-Encoding";
    if (lengths > 1)
        return "there is more than one Content-Length";
    if (lengths) {
        out->framing = FRAMING_LENGTH;
        if (!length_parse(headers_get(headers, "Content-Length"), &out->length))
            return "Content-Length is not a number of bytes below 2^63";
    }
    if (codings) {
        out->framing = FRAMING_CHUNKED;
        if (codings > 1 || strcasecmp(headers_get(headers, "Transfer-Encoding"), "chunked") != 0)
            return "Transfer-Encoding is not just chunked";
        if (old_version(head))
            return "HTTP/1.0 has no Transfer-Encoding";
    }
    return NULL;
}

const char *head_fault(const struct request_head *head, struct framing_facts *out)
{
    *out = (struct framing_facts){.framing = FRAMING_NONE};
    const char *fault = request_line_fault(head);
    if (!fault)
        fault = fields_fault(&head->headers);
    if (!fault)
        fault = connection_fault(&head->headers);
    if (!fault)
        fault = host_fault(head);
    if (!fault)
        fault = framing_fault(head, out);
    const char *expect = headers_get(&head->headers, "Expect");
    out->expects_continue = expect && !old_version(head) && !strcasecmp(expect, "100-continue");
    return fault;
}
