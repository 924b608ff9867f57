/* SPDX-License-Identifier: Apache-2.0 */
/* A request put into libcurl's terms: fields, body, and every option that is set. */
#include "upstream/upstream_priv.h"

#include "intake/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BUFFER = 16 * 1024 };

/* An idle connection takes one of Glance's green threads: those that a burst has left behind are
 * not kept for long. */
enum { KEPT_SECONDS = 20 };

static const uint64_t UPLOAD_BUFFER_MIN = 16 * 1024, UPLOAD_BUFFER_MAX = 512 * 1024;

/* --- fields ---------------------------------------------------------------------------- */

/* libcurl's list of lines, of which it frees nothing: nodes, then text, are one piece of memory. */
struct lines {
    struct curl_slist *next;
    char *text;
};

enum { OWN_LINES = 3, OWN_BYTES = 256 }; /* at most, besides the order's fields */

static struct curl_slist *lines_new(const struct headers *headers, struct lines *lines)
{
    size_t count = headers->count + OWN_LINES;
    size_t bytes = OWN_BYTES;
    headers_each(row, headers)
        bytes += strlen(row->name) + strlen(row->value) + sizeof ": ";
    lines->next = malloc(count * sizeof *lines->next + bytes);
    lines->text = (char *)(lines->next + count);
    return lines->next;
}

static void add_line(struct lines *lines, const char *name, const char *separator,
                     const char *value)
{
    struct curl_slist *node = lines->next++;
    node->data = lines->text;
    node->next = lines->next;
    lines->text = stpcpy(stpcpy(stpcpy(lines->text, name), separator), value) + 1;
}

/* What is sent has no body, and this is the SHA-256 of nothing. Ceph's gateway wants it. */
static const char NO_PAYLOAD[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* libcurl's way to say a field with an empty value is "Name;", and "Name:" keeps it from adding
 * one of its own. It signs each field it is told of, and an S3 gateway looks for each that is
 * signed: those that are to be left out would be missed. */
static bool add_fields(struct transfer *transfer, const struct upstream_request *request)
{
    struct lines lines;
    transfer->fields = lines_new(request->headers, &lines);
    if (!transfer->fields)
        return false;
    if (request->signature)
        add_line(&lines, "x-amz-content-sha256", ": ", NO_PAYLOAD);
    else
        add_line(&lines, "Expect", ":", request->expect ? " 100-continue" : "");
    headers_each(row, request->headers)
        add_line(&lines, row->name, row->value[0] ? ": " : ";", row->value);
    if (!request->signature && !headers_get(request->headers, "Accept"))
        add_line(&lines, "Accept", ":", "");
    if (request->framing == FRAMING_LENGTH && (request->length == 0 || transfer->raw_request)) {
        char length[32];
        snprintf(length, sizeof length, "%" PRIu64, request->length);
        add_line(&lines, "Content-Length", ": ", length);
    }
    lines.next[-1].next = NULL;
    return true;
}

/* --- body ------------------------------------------------------------------------------ */

static void set_body(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    uint64_t buffer = transfer->framing == FRAMING_LENGTH ? transfer->length : 64UL * 1024;
    if (buffer < UPLOAD_BUFFER_MIN)
        buffer = UPLOAD_BUFFER_MIN;
    if (buffer > UPLOAD_BUFFER_MAX)
        buffer = UPLOAD_BUFFER_MAX;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L); /* the owner waits, libcurl never */
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)buffer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, transfer_on_pull);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                     transfer->framing == FRAMING_LENGTH ? (curl_off_t)transfer->length : -1);
}

/* On a kept connection a request may have to be sent twice: Glance may have closed it just now, or
 * the answer may be somebody else's (idle_connections.c). So only what asks, and changes nothing,
 * is sent on one. A connection for anything else is not kept either, or there would be one more for
 * each upload. */
static bool only_asks(const struct transfer *transfer, const char *method)
{
    return transfer->framing == FRAMING_NONE &&
           (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

/* --- where it goes --------------------------------------------------------------------- */

static bool set_glance(struct transfer *transfer, const char *target)
{
    const struct settings *settings = transfer->settings;
    CURL *easy = transfer->easy;
    if (settings->glance.ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->glance.ca_file);
    if (settings->glance.insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return !curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, target);
}

/* A kept connection would have the keys, too. */
static bool set_signature(struct transfer *transfer, const struct transfer_signature *signature)
{
    CURL *easy = transfer->easy;
    char how[128];
    snprintf(how, sizeof how, "aws:amz:%s:s3", signature->region);
    transfer->has_keys = true;
    return !curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, how) &&
           !curl_easy_setopt(easy, CURLOPT_USERNAME, signature->access_key) &&
           !curl_easy_setopt(easy, CURLOPT_PASSWORD, signature->secret_key);
}

/* libcurl signs the path of the URL, so there is no target besides it. */
static bool set_elsewhere(struct transfer *transfer, const struct upstream_request *request)
{
    return !curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url) &&
           (!request->signature || set_signature(transfer, request->signature));
}

/* --- all of it ------------------------------------------------------------------------- */

static void set_options(struct transfer *transfer, const char *method)
{
    const struct settings *settings = transfer->settings;
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, sockets_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->glance);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, idle_before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    /* Giving up a name look-up must not wait for it to end: the whole worker would. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->glance.connect_timeout);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)ANSWER_BUFFER);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)KEPT_SECONDS);
    if (!transfer->only_asks) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    bool is_head = strcmp(method, "HEAD") == 0;
    if (!transfer->all_pulled && !transfer->raw_request)
        set_body(transfer);
    else if (is_head)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    transfer->bare = is_head && !transfer->all_pulled; /* libcurl sends bodies, or expects none */
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

bool transfer_set_options(struct transfer *transfer, const struct upstream_request *request)
{
    transfer->framing = request->framing;
    transfer->length = request->length;
    transfer->timeout = request->timeout;
    transfer->all_pulled = request->framing != FRAMING_CHUNKED && request->length == 0;
    transfer->raw_request = raw_request_wanted(transfer, request);
    transfer->only_asks = only_asks(transfer, request->method);
    const char *id = headers_get(request->headers, "X-Openstack-Request-Id");
    if (id && strlen(id) < sizeof transfer->id)
        memcpy(transfer->id, id, strlen(id) + 1);
    bool to =
        request->url ? set_elsewhere(transfer, request) : set_glance(transfer, request->target);
    if (!to || !add_fields(transfer, request))
        return false;
    set_options(transfer, request->method);
    return true;
}
