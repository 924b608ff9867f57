/* SPDX-License-Identifier: Apache-2.0 */
/* Sets libcurl's options for a request: its header fields, its body, its server, and all others. */
#include "upstream/upstream_priv.h"

#include "intake/settings.h"
#include "upstream/glance_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BUFFER = 16 * 1024 };

/* An idle connection occupies one of Glance's green threads. So idle connections after a burst are
 * closed soon. */
enum { IDLE_SECONDS_MAX = 20 };

/* An owner gives at least 16 KiB at once, behind the reserve. */
static const uint64_t UPLOAD_BUFFER_MIN = 16 * 1024 + 2 * RESERVE_MAX,
                      UPLOAD_BUFFER_MAX = 512 * 1024;

/* --- fields ---------------------------------------------------------------------------- */

/* Builder of a list of lines for libcurl. Nodes and text share one allocation, which the transfer
 * owns. */
struct lines {
    struct curl_slist *next;
    char *text;
};

/* Upper bounds of what is added to the request's fields. */
enum { ADDED_LINES = 3, ADDED_BYTES = 256 };

static struct curl_slist *lines_new(const struct headers *headers, struct lines *lines)
{
    size_t count = headers->count + ADDED_LINES;
    size_t bytes = ADDED_BYTES;
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

/* The SHA-256 of an empty body. Ceph's gateway requires the field. */
static const char NO_PAYLOAD[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* In libcurl "Name;" is a field with an empty value, and "Name:" keeps libcurl from adding that
 * field. libcurl signs every field in this list, also one that it does not send. An S3 gateway
 * expects every signed field. So signed requests have no "Name:" entries. */
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
    if (request->framing == FRAMING_LENGTH &&
        (request->length == 0 || transfer->raw_request.used)) {
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
    /* The owner waits for 100 Continue, libcurl does not. */
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)buffer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, transfer_on_pull);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                     transfer->framing == FRAMING_LENGTH ? (curl_off_t)transfer->length : -1);
}

/* A request on a reused connection may have to be sent twice: Glance may have just closed the
 * connection, or the answer may belong to another request (idle_connections.c). So only GET and
 * HEAD without a body reuse connections. Other requests do not leave their connections open either,
 * or there would be one more for each upload. */
static bool repeatable(const struct transfer *transfer, const char *method)
{
    return transfer->framing == FRAMING_NONE &&
           (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

/* --- where it goes --------------------------------------------------------------------- */

static bool set_glance(struct transfer *transfer, const char *target)
{
    const struct settings *settings = transfer->settings;
    CURL *easy = transfer->easy;
    return glance_server_set_tls(easy, settings) &&
           !curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, target);
}

/* The connection is not reused, since libcurl keeps the keys with it. */
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

/* libcurl signs the path of the URL, so CURLOPT_REQUEST_TARGET is not set. */
static bool set_other_server(struct transfer *transfer, const struct upstream_request *request)
{
    return !curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url) &&
           (!request->ca_file ||
            !curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, request->ca_file)) &&
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
    /* Aborting a name look-up must not wait for its end: that would block the whole worker. */
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
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS_MAX);
    if (!transfer->attempt.repeatable) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    bool is_head = strcmp(method, "HEAD") == 0;
    if (!transfer->all_pulled && !transfer->raw_request.used)
        set_body(transfer);
    else if (is_head)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    /* libcurl cannot both send a body and expect none in the answer. */
    transfer->bodyless = is_head && !transfer->all_pulled;
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

bool transfer_set_options(struct transfer *transfer, const struct upstream_request *request)
{
    transfer->framing = request->framing;
    transfer->length = request->length;
    transfer->timeout = request->timeout;
    transfer->all_pulled = request->framing != FRAMING_CHUNKED && request->length == 0;
    transfer->raw_request.used = raw_request_wanted(transfer, request);
    reserve_prepare(transfer);
    transfer->attempt.repeatable = repeatable(transfer, request->method);
    const char *id = headers_get(request->headers, "X-Openstack-Request-Id");
    if (id && strlen(id) < sizeof transfer->id)
        memcpy(transfer->id, id, strlen(id) + 1);
    bool to =
        request->url ? set_other_server(transfer, request) : set_glance(transfer, request->target);
    if (!to || !add_fields(transfer, request))
        return false;
    set_options(transfer, request->method);
    return true;
}
