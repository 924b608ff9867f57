/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { FIELDS_MAX = 4 };

struct row {
    const char *why;
    const char *method;
    const char *version;
    struct header fields[FIELDS_MAX]; /* beside one Host, unless it is `bare` */
    bool bare;
    const char *fault; /* a piece of it; NULL: the head is good */
    struct framing_facts facts;
};

#define PUT11 "PUT", "HTTP/1.1"
#define PUT10 "PUT", "HTTP/1.0"

static const struct row rows[] = {
    {"no body", "GET", "HTTP/1.1", .facts = {FRAMING_NONE, 0, false}},
    {"a length", PUT11, {{"Content-Length", "5"}}, .facts = {FRAMING_LENGTH, 5, false}},
    {"an empty body", PUT11, {{"content-length", "0"}}, .facts = {FRAMING_LENGTH, 0, false}},
    {"leading zeros", PUT11, {{"CONTENT-LENGTH", "0005"}}, .facts = {FRAMING_LENGTH, 5, false}},
    {"2^63-1",
     PUT11,
     {{"Content-Length", "9223372036854775807"}},
     .facts = {FRAMING_LENGTH, 9223372036854775807, false}},
    {"chunked", PUT11, {{"Transfer-Encoding", "chunked"}}, .facts = {FRAMING_CHUNKED, 0, false}},
    {"chunked, any case",
     PUT11,
     {{"transfer-encoding", "Chunked"}},
     .facts = {FRAMING_CHUNKED, 0, false}},
    {"Expect",
     PUT11,
     {{"Content-Length", "5"}, {"Expect", "100-Continue"}},
     .facts = {FRAMING_LENGTH, 5, true}},
    {"another Expect",
     PUT11,
     {{"Content-Length", "5"}, {"Expect", "200-ok"}},
     .facts = {FRAMING_LENGTH, 5, false}},
    {"Expect of an old client",
     PUT10,
     {{"Content-Length", "5"}, {"Expect", "100-continue"}},
     .facts = {FRAMING_LENGTH, 5, false}},
    {"an old client without Host", PUT10, .bare = true, .facts = {FRAMING_NONE, 0, false}},
    {"an unknown method", "FO@O", "HTTP/1.1", .fault = "method"},
    {"a method of its own", "PURGE", "HTTP/1.1", .facts = {FRAMING_NONE, 0, false}},
    {"no letters", "!", "HTTP/1.1", .facts = {FRAMING_NONE, 0, false}},
    {"a method in lower case", "put", "HTTP/1.1", .fault = "capital"},
    {"a capital first", "Put", "HTTP/1.1", .fault = "capital"},
    {"one small letter", "PUt", "HTTP/1.1", .fault = "capital"},
    {"a tunnel in lower case", "connect", "HTTP/1.1", .fault = "capital"},
    {"an empty method", "", "HTTP/1.1", .fault = "method"},
    {"a tunnel", "CONNECT", "HTTP/1.1", .fault = "CONNECT"},
    {"HTTP/1.2 is read as 1.1", "GET", "HTTP/1.2", .facts = {FRAMING_NONE, 0, false}},
    {"HTTP/2.0", "GET", "HTTP/2.0", .fault = "version"},
    {"HTTP/0.9", "GET", "HTTP/0.9", .fault = "version"},
    {"HTTP/1.1 and more", "GET", "HTTP/1.11", .fault = "version"},
    {"no version", "GET", "", .fault = "version"},

    {"length and coding",
     PUT11,
     {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
     .fault = "both"},
    {"two lengths",
     PUT11,
     {{"Content-Length", "5"}, {"Content-Length", "3"}},
     .fault = "more than one Content-Length"},
    {"the same twice",
     PUT11,
     {{"Content-Length", "5"}, {"content-length", "5"}},
     .fault = "more than one Content-Length"},
    {"two in one", PUT11, {{"Content-Length", "5, 5"}}, .fault = "Content-Length"},
    {"a sign", PUT11, {{"Content-Length", "+5"}}, .fault = "Content-Length"},
    {"negative", PUT11, {{"Content-Length", "-1"}}, .fault = "Content-Length"},
    {"hexadecimal", PUT11, {{"Content-Length", "0x5"}}, .fault = "Content-Length"},
    {"nothing", PUT11, {{"Content-Length", ""}}, .fault = "Content-Length"},
    {"a blank behind", PUT11, {{"Content-Length", "5 "}}, .fault = "Content-Length"},
    {"a blank in front", PUT11, {{"Content-Length", " 5"}}, .fault = "Content-Length"},
    {"2^63", PUT11, {{"Content-Length", "9223372036854775808"}}, .fault = "2^63"},
    {"2^64", PUT11, {{"Content-Length", "18446744073709551616"}}, .fault = "2^63"},
    {"2^64 + 5", PUT11, {{"Content-Length", "18446744073709551621"}}, .fault = "2^63"},
    {"an underscore in the length", PUT11, {{"Content_Length", "5"}}, .fault = "underscore"},
    {"an underscore in the coding",
     PUT11,
     {{"Transfer_Encoding", "chunked"}},
     .fault = "underscore"},
    {"an underscore beside a length",
     PUT11,
     {{"Content-Length", "5"}, {"TRANSFER_ENCODING", "chunked"}},
     .fault = "underscore"},
    {"a second coding",
     PUT11,
     {{"Transfer-Encoding", "gzip, chunked"}},
     .fault = "Transfer-Encoding"},
    {"chunked twice",
     PUT11,
     {{"Transfer-Encoding", "chunked, chunked"}},
     .fault = "Transfer-Encoding"},
    {"chunked in two fields",
     PUT11,
     {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     .fault = "Transfer-Encoding"},
    {"identity", PUT11, {{"Transfer-Encoding", "identity"}}, .fault = "Transfer-Encoding"},
    {"nearly chunked", PUT11, {{"Transfer-Encoding", "xchunked"}}, .fault = "Transfer-Encoding"},
    {"chunked and a blank",
     PUT11,
     {{"Transfer-Encoding", "chunked "}},
     .fault = "Transfer-Encoding"},
    {"an empty coding", PUT11, {{"Transfer-Encoding", ""}}, .fault = "Transfer-Encoding"},
    {"chunked from an old client", PUT10, {{"Transfer-Encoding", "chunked"}}, .fault = "HTTP/1.0"},

    {"a connection's own fields",
     PUT11,
     {{"Connection", "keep-alive, X-Hop, TE, Upgrade, HTTP2-Settings, Accept-Encoding"}},
     .facts = {FRAMING_NONE, 0, false}},
    {"the version of the API", PUT11, {{"Connection", "Accept"}}, .fault = "Connection names"},
    {"among others",
     PUT11,
     {{"Connection", "close"}, {"connection", "x ,	aCCEPT ,"}},
     .fault = "Connection names"},
    {"the store", PUT11, {{"Connection", "X-Image-Meta-Store"}}, .fault = "Connection names"},
    {"the store, otherwise spelled",
     PUT11,
     {{"CONNECTION", "close,x_image-META_store"}},
     .fault = "Connection names"},
    {"the type", PUT11, {{"Connection", "Content_Type"}}, .fault = "Connection names"},
    {"the coding", PUT11, {{"Connection", "Content-Encoding"}}, .fault = "Connection names"},
    {"the range", PUT11, {{"Connection", "Content-Range"}}, .fault = "Connection names"},
    {"the token", PUT11, {{"Connection", "X-Auth-Token"}}, .fault = "Connection names"},
    {"the host", PUT11, {{"Connection", "Host"}}, .fault = "Connection names"},
    {"a quoted name is no name",
     PUT11,
     {{"Connection", "\"Accept\""}},
     .facts = {FRAMING_NONE, 0, false}},
    {"a long name",
     PUT11,
     {{"Connection", "X-Image-Meta-Store-of-a-name-that-is-longer-than-any-which-Glance-knows-of"}},
     .facts = {FRAMING_NONE, 0, false}},

    {"no Host", PUT11, .bare = true, .fault = "no Host"},
    {"two Hosts", PUT11, {{"Host", "other"}}, .fault = "more than one Host"},
    {"two Hosts of an old client", PUT10, {{"host", "h"}}, .fault = "more than one Host"},
    {"an empty Host", PUT11, {{"Host", ""}}, .bare = true, .fault = "Host is not"},
    {"a path in Host", PUT11, {{"Host", "h/v2"}}, .bare = true, .fault = "Host is not"},
    {"somebody in Host", PUT11, {{"Host", "u@h"}}, .bare = true, .fault = "Host is not"},

    {"a space before the colon", PUT11, {{"Content-Length ", "5"}}, .fault = "header name"},
    {"a folded first line", PUT11, {{" Host", "h"}}, .fault = "header name"},
    {"an empty name", PUT11, {{"", "x"}}, .fault = "header name"},
    {"a name that is no token", PUT11, {{"X(Y)", "x"}}, .fault = "header name"},
    {"a name beyond ASCII", PUT11, {{"X-\xc3\xa4", "x"}}, .fault = "header name"},
    {"a carriage return", PUT11, {{"X", "a\rb"}}, .fault = "control"},
    {"a line feed", PUT11, {{"X", "a\nContent-Length: 5"}}, .fault = "control"},
    {"a control character", PUT11, {{"X", "a\x01"}}, .fault = "control"},
    {"DEL", PUT11, {{"X", "\x7f"}}, .fault = "control"},
    {"a tab and bytes beyond ASCII",
     PUT11,
     {{"X", "a\tb \xc3\xa4"}},
     .facts = {FRAMING_NONE, 0, false}},
};

static void build(const struct row *row, struct request_head *head)
{
    *head = (struct request_head){.method = row->method, .version = row->version, .target = "/"};
    if (!row->bare)
        assert_true(headers_add(&head->headers, "Host", "images.example.org:9292"));
    for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name; i++)
        assert_true(headers_add(&head->headers, row->fields[i].name, row->fields[i].value));
}

static void ambiguous_head_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct request_head head;
        struct framing_facts facts;
        build(row, &head);
        const char *fault = head_fault(&head, &facts);
        if (!row->fault != !fault || (fault && !strstr(fault, row->fault)))
            fail_msg("%s: %s", row->why, fault ? fault : "no fault");
        if (!fault && (facts.framing != row->facts.framing || facts.length != row->facts.length ||
                       facts.expects_continue != row->facts.expects_continue))
            fail_msg("%s: other facts", row->why);
        headers_free(&head.headers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ambiguous_head_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
