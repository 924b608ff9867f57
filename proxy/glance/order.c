/* SPDX-License-Identifier: Apache-2.0 */
/* A request put into libcurl's terms: fields, body, and every option that is set. */
#include "glance/glance_priv.h"

#include "intake/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BUFFER = 64 * 1024 };
static const uint64_t UPLOAD_BUFFER_MIN = 16 * 1024, UPLOAD_BUFFER_MAX = 512 * 1024;

static bool add_field(struct curl_slist **fields, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*fields, line);
    if (longer)
        *fields = longer;
    return longer != NULL;
}

/* What is sent has no body, and this is the SHA-256 of nothing. Ceph's gateway wants it. */
static const char NO_PAYLOAD[] = "x-amz-content-sha256: "
                                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* libcurl's way to say a field with an empty value is "Name;", and "Name:" keeps it from adding
 * one of its own. */
static bool add_fields(struct transfer *transfer, const struct transfer_order *order)
{
    /* libcurl signs each field it is told of, and an S3 gateway looks for each that is signed:
     * those that are to be left out would be missed. */
    bool bare = !order->signature;
    bool good = add_field(&transfer->fields, bare ? "Expect:" : NO_PAYLOAD);
    headers_each(row, order->headers) {
        char *line = NULL;
        int made = asprintf(&line, row->value[0] ? "%s: %s" : "%s;%s", row->name, row->value);
        good = good && made >= 0 && add_field(&transfer->fields, line);
        if (made >= 0)
            free(line);
    }
    if (bare && !headers_get(order->headers, "Accept"))
        good = good && add_field(&transfer->fields, "Accept:");
    if (order->framing == FRAMING_LENGTH && order->length == 0)
        good = good && add_field(&transfer->fields, "Content-Length: 0");
    return good;
}

static void set_body(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    uint64_t buffer = transfer->framing == FRAMING_LENGTH ? transfer->length : 64UL * 1024;
    if (buffer < UPLOAD_BUFFER_MIN)
        buffer = UPLOAD_BUFFER_MIN;
    if (buffer > UPLOAD_BUFFER_MAX)
        buffer = UPLOAD_BUFFER_MAX;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)buffer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, transfer_on_pull);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                     transfer->framing == FRAMING_LENGTH ? (curl_off_t)transfer->length : -1);
}

/* A kept connection that Glance has just closed cannot take a body twice, and must not do twice
 * what is not idempotent: such a request gets a connection of its own. */
static bool wants_fresh_connection(const struct transfer *transfer, const char *method)
{
    return transfer->framing != FRAMING_NONE || strcmp(method, "POST") == 0 ||
           strcmp(method, "PATCH") == 0;
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
static bool set_elsewhere(struct transfer *transfer, const struct transfer_order *order)
{
    return !curl_easy_setopt(transfer->easy, CURLOPT_URL, order->url) &&
           (!order->signature || set_signature(transfer, order->signature));
}

/* --- all of it ------------------------------------------------------------------------- */

static void set_options(struct transfer *transfer, const char *method)
{
    const struct settings *settings = transfer->settings;
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
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
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)wants_fresh_connection(transfer, method));
    if (!transfer->all_pulled)
        set_body(transfer);
    else if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

bool transfer_take_order(struct transfer *transfer, const struct transfer_order *order)
{
    transfer->framing = order->framing;
    transfer->length = order->length;
    transfer->patience = order->patience;
    transfer->all_pulled = order->framing != FRAMING_CHUNKED && order->length == 0;
    bool to = order->url ? set_elsewhere(transfer, order) : set_glance(transfer, order->target);
    if (!to || !add_fields(transfer, order))
        return false;
    set_options(transfer, order->method);
    return true;
}
